"""The calls of the worker contract (protocol/README.md, protocol/worker.ts), with Python's standard library alone."""

import contextlib
import http.client
import http.server
import json
import os
import random
import socket
import socketserver
import threading
import time
from datetime import datetime, timezone
from urllib.parse import quote

HEALTH = {"ok": True, "contract_version": 1, "agent": "python-example", "version": "1"}
ADDRESS = os.environ["ERRAND_COORDINATOR"]
WORKSPACE = os.environ.get("ERRAND_WORKSPACE") or "/workspace"
SPOOL = os.environ.get("ERRAND_SPOOL") or f"{WORKSPACE}/spool"
# What the next attempt must not report of this one: it is about a process that is gone.
PROCESS_TYPES = {"agent.started", "step.started", "repository.ready"}
NEEDED = {"task_id": str, "attempt": int, "token": str, "prompt": str, "branch": str, "messages": list}
BODY_BYTES_MAX = {"/task": 64 << 20, "/messages": 4 << 20, "/cancel": 256 << 10}


class Stop(Exception):
    """The work ends: `cancelled`, `time_limit`, `terminated`, or `lost`, after which nothing more is sent."""


class UnixConnection(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        # By its name each time: a restarted coordinator makes a new socket.
        self.sock.connect(ADDRESS.removeprefix("unix:"))


def request(method, path, token, body=None, timeout=30):
    """One request to the coordinator. Returns the status, the headers and the parsed body. Raises OSError."""
    if ADDRESS.startswith("unix:"):
        connection = UnixConnection("coordinator", timeout=timeout)
    else:
        connection = http.client.HTTPConnection(ADDRESS.removeprefix("http://").rstrip("/"), timeout=timeout)
    headers = {"authorization": f"Bearer {token}", "content-type": "application/json", "errand-contract": "1"}
    try:
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        response = connection.getresponse()
        text = response.read()
        is_json = "json" in response.getheader("content-type", "")
        return response.status, response.headers, json.loads(text) if is_json else {}
    except http.client.HTTPException as error:
        raise OSError(str(error)) from error
    finally:
        connection.close()


class Attempt:
    """One attempt: its events, its heartbeats, and why it has to stop."""

    def __init__(self, task_id, token):
        self.path, self.token = f"/internal/tasks/{task_id}", token
        self.assignment, self.events, self.acked = None, [], 0
        self.messages, self.seen = [], set()
        self.stopped, self.why, self.state = threading.Event(), None, "idle"
        self.no_more_beats = threading.Event()

    def stop(self, why, detail=""):
        """The first reason counts; but a lost attempt is lost."""
        if self.why is None or why == "lost":
            self.why, self.detail = why, detail
        self.stopped.set()

    def check(self):
        if self.stopped.is_set():
            raise Stop(self.why)

    def take(self, messages):
        for message in messages:
            if message["id"] not in self.seen:
                self.seen.add(message["id"])
                self.messages.append(message)

    def fetch(self):
        return self.call("GET", "assignment")

    def begin(self, assignment):
        """Takes the assignment, and what an earlier process left in the spool."""
        self.assignment, self.token, self.state = assignment, assignment["token"], "working"
        self.attempt = assignment["attempt"]
        self.take(assignment["messages"])
        known = assignment.get("known") or {"attempt": 0, "last_seq": 0}
        spooled = self.read_spool()
        self.left_over = []
        if known["attempt"] == self.attempt:
            self.acked = known["last_seq"]
        elif spooled and spooled["attempt"] != self.attempt and spooled["event"]["seq"] > known["last_seq"]:
            self.left_over = [spooled["event"]] if spooled["event"]["type"] not in PROCESS_TYPES else []
        self.events = [None] * self.acked
        if spooled and spooled["attempt"] == self.attempt and spooled["event"]["seq"] == self.acked + 1:
            self.events.append(spooled["event"])
        self.beats = threading.Thread(target=self.beat, daemon=True)
        self.beats.start()

    def read_spool(self):
        try:
            with open(f"{SPOOL}/{self.assignment['task_id']}.json") as file:
                return json.load(file)
        except (OSError, ValueError):
            return None

    def emit(self, type, **body):
        """Stores an event in the spool, and returns once it is acknowledged. So the spool never has more than one."""
        at = datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        event = {"seq": len(self.events) + 1, "at": at, "type": type, "body": body}
        self.events.append(event)
        self.spool(event)
        self.flush()

    def spool(self, event):
        os.makedirs(SPOOL, exist_ok=True)
        path = f"{SPOOL}/{self.assignment['task_id']}.json"
        with open(f"{path}.part", "w") as file:
            json.dump({"attempt": self.attempt, "event": event}, file)
            file.flush()
            os.fsync(file.fileno())
        os.rename(f"{path}.part", path)

    def flush(self):
        """Posts the events until all are acknowledged."""
        while self.acked < len(self.events):
            reply = self.call("POST", "events", lambda: {"attempt": self.attempt, "events": self.events[self.acked :]})
            self.acked = reply["acked_seq"]

    def beat(self):
        while self.why != "lost" and not self.no_more_beats.is_set():
            body = {"attempt": self.attempt, "last_seq": len(self.events), "waiting_for": None}
            try:
                self.call("POST", "heartbeat", lambda: body)
            except Stop:
                return
            self.no_more_beats.wait(self.assignment["heartbeat_ms"] / 1000 * 0.8)

    def end_beats(self):
        """The result is the last call: no heartbeat may come after it."""
        self.no_more_beats.set()
        self.beats.join()

    def call(self, method, name, body=lambda: None):
        """A callback, repeated until it is answered. Raises Stop('lost') where a retry would not help."""
        pause = 0.1
        while True:
            if self.why == "lost":
                raise Stop("lost")
            try:
                status, headers, reply = request(method, f"{self.path}/{name}", self.token, body())
            except OSError:
                status, headers, reply = 503, {}, {}
            if status == 200:
                self.heed(reply)
                return reply
            if status == 429 or status >= 500:
                time.sleep(max(pause * random.uniform(0.5, 1), float(headers.get("retry-after") or 0)))
                pause = min(pause * 2, 5)
            elif status == 401 and name != "heartbeat" and self.assignment:
                beat = {"attempt": self.attempt, "last_seq": len(self.events), "waiting_for": None}
                self.call("POST", "heartbeat", lambda: beat)
            elif reply.get("code") == "events_missing":
                self.acked = reply["expected_seq"] - 1
                return {"acked_seq": self.acked}
            elif status in (400, 413) and name == "events" and self.events[-1]["type"] != "log":
                text = f"The event {self.events[-1]['type']} was refused: {reply.get('detail')}"
                self.events[-1] = {**self.events[-1], "type": "log", "body": {"level": "error", "text": text}}
                self.spool(self.events[-1])
            elif name == "result" and reply.get("code") == "attempt_ended":
                return reply
            else:
                self.stop("lost", f"{name}: {status} {reply.get('detail')}")
                raise Stop("lost")

    def heed(self, reply):
        """What every reply may bring: a token, messages, a cancel."""
        self.token = reply.get("token") or self.token
        control = reply.get("control") or {"messages": [], "cancel": None}
        self.take(control["messages"])
        if control["cancel"]:
            self.stop("cancelled", control["cancel"]["reason"])


class Handler(http.server.BaseHTTPRequestHandler):
    """The calls of the coordinator. `server.attempt` is set once there is a task, and `server.begun` with it."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def answer(self, status, body=None):
        if status >= 400:
            code = {400: "invalid", 401: "unauthenticated", 404: "not_found", 409: "conflict", 413: "too_large"}[status]
            names = {"type": f"urn:errand:problem:{code}", "title": code.replace("_", " ")}
            body = {**names, "status": status, "code": code, "detail": body}
        data = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/problem+json" if status >= 400 else "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        with contextlib.suppress(OSError):
            self.wfile.write(data)

    def is_allowed(self):
        attempt, over_tcp = self.server.attempt, self.server.address_family != socket.AF_UNIX
        return attempt is None or not over_tcp or self.headers.get("authorization") == f"Bearer {attempt.token}"

    def do_GET(self):
        attempt = self.server.attempt
        if self.path == "/healthz":
            self.answer(200, HEALTH)
        elif self.path != "/status":
            self.answer(404, "There is no such path.")
        elif not self.is_allowed():
            self.answer(401, "The token is not that of the task.")
        else:
            now = attempt or Attempt("", "")
            names = {name: now.assignment and now.assignment[name] for name in ("task_id", "attempt")}
            seqs = {"last_seq": len(now.events), "acked_seq": now.acked}
            self.answer(200, {"state": now.state, **names, **seqs, "waiting_for": None})

    def do_POST(self):
        if self.path not in BODY_BYTES_MAX:
            return self.answer(404, "There is no such path.")
        length = int(self.headers.get("content-length") or 0)
        if length > BODY_BYTES_MAX[self.path]:
            self.close_connection = True
            return self.answer(413, "The body is too large.")
        text = self.rfile.read(length)
        if not self.is_allowed():
            return self.answer(401, "The token is not that of the task.")
        try:
            with self.server.lock:
                self.answer(*getattr(self, f"post_{self.path[1:]}")(json.loads(text)))
        except (ValueError, KeyError, TypeError) as error:
            self.answer(400, f"The body is malformed: {error!r}")

    def post_task(self, body):
        if body["contract_version"] != 1:
            return 400, f"This worker speaks version 1 of the contract, and not {body['contract_version']}."
        for name, type in NEEDED.items():
            if not isinstance(body[name], type):
                raise ValueError(name)
        if self.server.attempt:
            mine = self.server.attempt.assignment
            is_same = all(mine[name] == body[name] for name in ("task_id", "attempt"))
            return (202,) if is_same else (409, "This worker has a task already.")
        attempt = Attempt(body["task_id"], body["token"])
        attempt.begin(body)
        self.server.attempt = attempt
        self.server.begun.set()
        return (202,)

    def post_messages(self, body):
        messages = [{"id": message["id"], "text": message["text"]} for message in body["messages"]]
        if self.server.attempt is None:
            return 409, "There is no task yet."
        self.server.attempt.take(messages)
        return (202,)

    def post_cancel(self, body):
        reason = body["reason"]
        if self.server.attempt is None:
            return 409, "There is no task yet."
        self.server.attempt.stop("cancelled", reason)
        return (202,)


def has_secret(path, values):
    """Whether a file, or its path, has one of these values as it is or escaped. In base64 it is not found."""
    forms = {form for value in values if value for form in (value, json.dumps(value)[1:-1], quote(value, safe=""))}
    content = open(path, "rb").read() if os.path.isfile(path) else b""
    return any(form in path or form.encode() in content for form in forms)


class UnixServer(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


def listen(address):
    """Starts the worker's own server: `unix:PATH` or `HOST:PORT`."""
    if address.startswith("unix:"):
        path = address.removeprefix("unix:")
        if os.path.exists(path):
            os.unlink(path)
        server = UnixServer(path, Handler)
        os.chmod(path, 0o666)
    else:
        host, port = address.rsplit(":", 1)
        server = http.server.ThreadingHTTPServer((host, int(port)), Handler)
    server.attempt, server.begun, server.lock = None, threading.Event(), threading.Lock()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server
