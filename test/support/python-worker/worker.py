"""A worker for Errand, with Python's standard library alone: an example for agents in other languages.

Its agent asks the model once, and adds the answer to NOTES.md. Put your own in the place of `work`.
"""

import contextlib
import os
import signal
import socket
import socketserver
import subprocess
import sys
import threading
import time

from contract import ADDRESS, HEALTH, WORKSPACE, Attempt, Stop, has_secret, listen, request

REPO = f"{WORKSPACE}/repo"
OUTPUT_CHARS_MAX = 100_000
DIFF_CHARS_MAX = 500_000


class Failure(Exception):
    """The attempt has failed, for a reason of the contract."""

    def __init__(self, reason, detail):
        super().__init__(detail)
        self.reason = reason


class Relay(socketserver.BaseRequestHandler):
    def handle(self):
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as far:
            far.connect(os.environ["ERRAND_COORDINATOR"].removeprefix("unix:"))
            threading.Thread(target=pump, args=(self.request, far), daemon=True).start()
            pump(far, self.request)


def pump(source, sink):
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)


def coordinator_origin():
    """Where git reaches the coordinator."""
    if not ADDRESS.startswith("unix:"):
        return ADDRESS.rstrip("/")
    relay = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Relay)
    relay.daemon_threads = True
    threading.Thread(target=relay.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{relay.server_address[1]}"


class Task:
    """The work on one assignment."""

    def __init__(self, attempt):
        self.attempt, self.given = attempt, attempt.assignment
        self.origin = coordinator_origin()
        self.url = f"{self.origin}{attempt.path}/git"
        self.base = None

    def git(self, *args, cwd=REPO):
        """Runs git with the token in its environment, for this address alone, and without hooks."""
        settings = {
            f"http.{self.origin}/.extraHeader": f"Authorization: Bearer {self.attempt.token}",
            "core.hooksPath": "/dev/null",
        }
        env = {**os.environ, "GIT_TERMINAL_PROMPT": "0", "GIT_CONFIG_COUNT": str(len(settings))}
        for i, (key, value) in enumerate(settings.items()):
            env |= {f"GIT_CONFIG_KEY_{i}": key, f"GIT_CONFIG_VALUE_{i}": value}
        for name in ("AUTHOR", "COMMITTER"):
            author = self.given["author"]
            env |= {f"GIT_{name}_NAME": author["name"], f"GIT_{name}_EMAIL": author["email"]}
        done = subprocess.run(["git", *args], cwd=cwd, env=env, capture_output=True, text=True, errors="replace")
        if done.returncode != 0:
            raise Failure("push_failed" if "push" in args else "repository_unavailable", done.stderr[-2000:])
        return done.stdout.strip()

    def prepare(self):
        """Clones the repository, or goes on in the clone of the attempt before."""
        branch = self.given["branch"]
        if not os.path.isdir(f"{REPO}/.git"):
            self.attempt.emit("step.started", step="clone")
            os.makedirs(WORKSPACE, exist_ok=True)
            base = ["--branch", self.given["base_branch"]] if self.given["base_branch"] else []
            self.git("clone", "--quiet", *base, self.url, REPO, cwd=WORKSPACE)
            is_pushed = self.git("ls-remote", "origin", f"refs/heads/{branch}") != ""
            base = self.git("rev-parse", "--abbrev-ref", "HEAD")
            self.git("update-ref", "refs/errand/base", "HEAD")
            self.git("symbolic-ref", "refs/errand/base-name", f"refs/heads/{base}")
            self.git("checkout", "--quiet", "-B", branch, *([f"origin/{branch}"] if is_pushed else []))
        self.git("remote", "set-url", "origin", self.url)
        self.base = self.git("rev-parse", "refs/errand/base")
        base_branch = self.git("symbolic-ref", "refs/errand/base-name").removeprefix("refs/heads/")
        commit = self.git("rev-parse", "HEAD")
        names = {"branch": branch, "base_branch": base_branch, "base_commit": self.base, "commit": commit}
        self.attempt.emit("repository.ready", **names)

    def interruptible(self, run, interrupt=lambda: None):
        """Runs a function in a thread, and leaves it when the attempt has to stop."""
        ended, results = threading.Event(), []

        def body():
            try:
                results.append(run())
            except Exception as error:
                results.append(error)
            ended.set()

        threading.Thread(target=body, daemon=True).start()
        while not ended.wait(0.05):
            if self.attempt.stopped.is_set():
                interrupt()
                self.attempt.check()
        if isinstance(results[0], Exception):
            raise results[0]
        return results[0]

    def command(self, command):
        """Runs a command of the project in the clone, without the token. Returns the exit code, output and duration."""
        env = {name: value for name, value in os.environ.items() if not name.startswith("ERRAND_")} | self.given["env"]
        began = time.monotonic()
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        child = subprocess.Popen(["sh", "-c", command], cwd=REPO, env=env, start_new_session=True, **pipes)
        kill = lambda: os.killpg(child.pid, signal.SIGKILL)
        output = self.interruptible(lambda: child.communicate()[0], kill).decode(errors="replace")
        for name in self.given.get("secrets", self.given["env"]):
            output = output.replace(self.given["env"][name] or "\0", "***")
        return child.returncode, output[-OUTPUT_CHARS_MAX:], int((time.monotonic() - began) * 1000)

    def setup(self):
        if command := self.given["setup_command"]:
            self.attempt.emit("step.started", step="setup")
            code, output, ms = self.command(command)
            self.attempt.emit("setup.finished", command=command, exit_code=code, output=output, duration_ms=ms)
            if code != 0:
                raise Failure("setup_failed", f"The setup command ended with {code}.")

    def verify(self):
        if command := self.given["verify_command"]:
            self.attempt.emit("step.started", step="verify")
            code, output, ms = self.command(command)
            ended = {"passed": code == 0, "exit_code": code, "output": output, "duration_ms": ms}
            self.attempt.emit("verify.finished", command=command, **ended)
            if code != 0:
                raise Failure("verify_failed", f"The verify command ended with {code}.")

    def hear(self):
        """Takes the messages in. Returns their texts."""
        heard = []
        while self.attempt.messages:
            message = self.attempt.messages.pop(0)
            body = {"source": "person", "message_id": message["id"], "text": message["text"]}
            self.attempt.emit("input.added", turn=0, **body)
            heard.append(message["text"])
        return heard

    def work(self):
        """The agent."""
        self.attempt.emit("step.started", step="work")
        prompt = "\n".join([self.given["prompt"], *self.hear()])
        body = {"model": self.given["model"], "max_tokens": 1024, "messages": [{"role": "user", "content": prompt}]}
        llm = f"{self.attempt.path}/llm/v1/messages"
        status, _, reply = self.interruptible(lambda: request("POST", llm, self.attempt.token, body, timeout=600))
        if status != 200:
            raise Failure("model_unavailable", f"The model answered {status}: {reply}")
        answer = "\n".join(block["text"] for block in reply["content"] if block["type"] == "text")
        with open(f"{REPO}/NOTES.md", "a") as notes:
            notes.write("\n".join([prompt, answer, *self.hear()]) + "\n")
        self.attempt.emit("log", level="info", text=answer[:2000])

    def push(self, wip):
        """Commits and pushes what there is. Returns the part of the result that is about it."""
        nothing = {"branch": None, "commit": None, "diff": "", "diff_truncated": False}
        stat = {"files": 0, "insertions": 0, "deletions": 0}
        if self.base is None:
            return {**nothing, "base_commit": None, "diff_stat": stat}
        self.git("add", "--all")
        values = [self.given["env"][name] for name in self.given.get("secrets", self.given["env"])]
        for path in self.git("diff", "--cached", "--name-only", "-z").split("\0"):
            if has_secret(f"{REPO}/{path}", values):
                self.git("reset", "--quiet", "--", path)
        if self.git("diff", "--cached", "--name-only"):
            title = self.given["title"].split("\n")[0] or "Work"
            self.git("commit", "--quiet", "--message", f"WIP: {title}" if wip else title)
        commit = self.git("rev-parse", "HEAD")
        if commit == self.base:
            return {**nothing, "base_commit": self.base, "diff_stat": stat}
        for line in self.git("diff", "--numstat", self.base, commit).splitlines():
            added, removed, _ = line.split("\t")
            stat["files"] += 1
            stat["insertions"] += int(added) if added != "-" else 0
            stat["deletions"] += int(removed) if removed != "-" else 0
        branch = self.given["branch"]
        self.git("push", "--quiet", "origin", f"HEAD:refs/heads/{branch}")
        self.attempt.emit("branch.pushed", branch=branch, commit=commit, wip=wip, diff_stat=stat)
        diff = self.git("diff", self.base, commit)
        cut = {"diff": diff[:DIFF_CHARS_MAX], "diff_truncated": len(diff) > DIFF_CHARS_MAX}
        return {"branch": branch, "commit": commit, "base_commit": self.base, "diff_stat": stat, **cut}

    def run(self):
        """Everything but the push. Returns the status, the reason and the detail."""
        attempt = self.attempt
        try:
            attempt.flush()
            if not attempt.events:
                agent = {name: HEALTH[name] for name in ("agent", "version")}
                attempt.emit("agent.started", **agent, resumed=bool(self.given["transcript"]))
            for event in attempt.left_over:
                attempt.emit(event["type"], **event["body"])
            self.prepare()
            attempt.emit("log", level="info", text=f"Python {sys.version.split()[0]}")
            limit = threading.Timer(self.given["time_limit_ms"] / 1000, attempt.stop, ["time_limit"])
            limit.daemon = True
            limit.start()
            attempt.check()
            for step in (self.setup, self.work, self.verify):
                step()
                attempt.check()
            return "succeeded", None, None
        except Failure as failure:
            return "failed", failure.reason, str(failure)[:4000]
        except Stop:
            if attempt.why == "time_limit":
                return "failed", "time_limit", "The time limit was reached."
            return "cancelled", None, attempt.detail
        except OSError as error:
            return "failed", "model_unavailable", repr(error)[:4000]
        except Exception as error:
            return "failed", "agent_error", repr(error)[:4000]

    def end(self, status, reason, detail):
        """Pushes, and posts the result."""
        attempt = self.attempt
        attempt.state = "ending"
        try:
            pushed = self.push(wip=status != "succeeded")
        except Failure as failure:
            status, reason, detail = "failed", failure.reason, str(failure)
            pushed = {"branch": None, "commit": None, "base_commit": self.base, "diff": "", "diff_truncated": False}
            pushed["diff_stat"] = {"files": 0, "insertions": 0, "deletions": 0}
        if attempt.why == "terminated":
            return
        said = {"status": status, "reason": reason, "detail": detail, "summary": f"NOTES.md: {status}."}
        body = {"attempt": attempt.attempt, "last_seq": len(attempt.events), **said, **pushed}
        attempt.end_beats()
        attempt.call("POST", "result", lambda: body)


def first_attempt():
    """Waits for the task, or fetches it where nobody can call this worker."""
    if address := os.environ.get("ERRAND_LISTEN"):
        server = listen(address)
        server.begun.wait()
        return server.attempt
    attempt = Attempt(os.environ["ERRAND_TASK_ID"], os.environ["ERRAND_TASK_TOKEN"])
    try:
        assignment = attempt.fetch()
    except Stop:
        sys.exit(attempt.detail)
    if assignment["contract_version"] != 1:
        sys.exit(f"This worker speaks version 1 of the contract, and not {assignment['contract_version']}.")
    attempt.begin(assignment)
    return attempt


def main():
    attempt = None

    def terminate(*_):
        if attempt is None:
            os._exit(143)
        attempt.stop("terminated")

    signal.signal(signal.SIGTERM, terminate)
    attempt = first_attempt()
    code = 1

    def body():
        nonlocal code
        with contextlib.suppress(Stop):
            task = Task(attempt)
            end = task.run()
            if attempt.why != "lost":
                task.end(*end)
                code = 143 if attempt.why == "terminated" else 0

    work = threading.Thread(target=body, daemon=True)
    work.start()
    while work.is_alive():
        work.join(0.2)
    os._exit(code)


main()
