/** What workers tell a person or the agent in fixed words, and the same in German. */
const WORDS: readonly (readonly [said: RegExp, words: string])[] = [
  [/The verify command did not run: nothing was changed\./, 'Der Prüfbefehl lief nicht: Es wurde nichts geändert.'],
  [
    /The verify command could not be run: it, or a program that it needs, was not found .*/s,
    'Der Prüfbefehl ließ sich nicht ausführen: Er oder ein Programm, das er braucht, fehlt. Der Agent versucht einmal, das zu beheben. Gelingt das nicht, muss der Prüf- oder Setup-Befehl des Projekts geändert werden.',
  ],
  [
    /The verify command was ended because a message came\..*/s,
    'Der Prüfbefehl wurde beendet, weil eine Nachricht kam. Er läuft noch einmal, wenn der Agent fertig ist.',
  ],
  [
    /From now on you have (\d+) min, (\d+) turns and \$([\d.]+)(; the check at the end counts too)?\./,
    'Ab hier bleiben dir $1 min, $2 Runden und $3 $$.',
  ],
  [/A new worker goes on from here, with a new shell\./, 'Ein neuer Worker macht hier mit einer neuen Shell weiter.'],
  [
    /The machine has other tools than before\. Of the usual tools it has: (.+)\./,
    'Hier gibt es andere Werkzeuge als zuvor. Von den üblichen: $1.',
  ],
  [
    /The image '([^']+)' of the project cannot be used\. This server does not offer it any more: .*/s,
    'Das Image „$1“ des Projekts wird von diesem Server nicht mehr angeboten: Wähle im Projekt ein anderes, dann versuche es noch einmal.',
  ],
  [
    /The image '([^']+)' of the project cannot be used\. Docker has no image .*/s,
    'Das Image „$1“ des Projekts fehlt auf diesem Server: Sein Besitzer muss es bauen, oder du wählst im Projekt ein anderes. Dann versuche es noch einmal.',
  ],
  [
    /The work cannot be pushed to (\S+) as it is: (.*) The work goes on, and its diff is kept\. .*/s,
    'Die Arbeit lässt sich so nicht nach $1 pushen: „$2“ Sie geht weiter, und ihr Diff bleibt. Verknüpfe ein Konto, das dort schreiben darf, oder gib dem Projekt ein Token; ein neuer Versuch pusht sie dann.',
  ],
  [/MCP servers with their tools: (.+)\./, 'MCP-Server und wie viele Werkzeuge sie haben: $1.'],
  [
    /The MCP server (.{1,200}?) in \.mcp\.json cannot be used: it names (.+), which is no variable of the project\./,
    'Der MCP-Server $1 aus .mcp.json ist nicht nutzbar: Er nennt $2, das keine Variable des Projekts ist.',
  ],
  [
    /The MCP server (.{1,200}?) in \.mcp\.json cannot be used: (.*)/s,
    'Der MCP-Server $1 aus .mcp.json ist nicht nutzbar: „$2“',
  ],
  [
    /The MCP server (.{1,200}?) could not (?:be started|list its tools): (.*)/s,
    'Der MCP-Server $1 ließ sich nicht starten: „$2“',
  ],
  [
    /\.mcp\.json cannot be used: .*/,
    '.mcp.json ist nicht nutzbar: Es muss JSON sein, ein Objekt mit den Servern in „mcpServers“.',
  ],
  [/\.mcp\.json names over (\d+) MCP servers: .*/, '.mcp.json nennt mehr als $1 MCP-Server: Der Rest fehlt.'],
  [
    /(\d+) tools of MCP servers are left out, [^:]*: (.*)\./,
    '$1 Werkzeuge von MCP-Servern fehlen, weil es zu viele sind oder zwei gleich heißen: $2.',
  ],
];

/** In which of several clones it is. */
const CLONE = /^In .{1,300}?, the clone of \S+: /;

/** What a worker says, in German, with what it puts before it; undefined: it has other words. */
export function de_worker_note(text: string): string | undefined {
  const [clone = ''] = CLONE.exec(text) ?? [];
  const note = text.slice(clone.length);
  const [said, words] = WORDS.find(([each]) => note.search(each) === 0) ?? [];
  return said && words !== undefined ? clone + note.replace(said, words) : undefined;
}
