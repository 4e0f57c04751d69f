"""Prints a session of documents that no one would write, in the protocol's own
framing: every request in it has an answer, and the server ends in order.

`hostile_session.py SOURCE_DIR` also cuts the library's files off in the middle,
as typing does, and asks about places all over them.
"""

import json
import pathlib
import random
import sys

number = 0


def send(method, params=None, is_request=False):
    global number
    message = {"jsonrpc": "2.0", "method": method}
    if is_request:
        number += 1
        message["id"] = number
    if params is not None:
        message["params"] = params
    raw(json.dumps(message).encode())


def raw(body):
    sys.stdout.buffer.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)


def document(name, text, places):
    uri = f"file:///hostile/{name}.attn"
    send("textDocument/didOpen", {"textDocument": {"uri": uri, "languageId": "attn", "version": 1, "text": text}})
    for line, character in places:
        where = {"textDocument": {"uri": uri}, "position": {"line": line, "character": character}}
        for ask in ("hover", "definition", "completion"):
            send("textDocument/" + ask, where, True)
        send("textDocument/references", {**where, "context": {"includeDeclaration": True}}, True)
    for ask in ("documentSymbol", "formatting"):
        send("textDocument/" + ask, {"textDocument": {"uri": uri}, "options": {}}, True)
    edge = {"start": {"line": 0, "character": 3}, "end": {"line": 1 << 30, "character": 1 << 30}}
    send("textDocument/didChange", {"textDocument": {"uri": uri, "version": 2},
                                    "contentChanges": [{"range": edge, "text": "é🙂"}]})
    send("textDocument/didClose", {"textDocument": {"uri": uri}})


random.seed(7)
send("initialize", {"capabilities": {}}, True)
edges = [(0, 0), (0, 5), (3, 1), (-1, -1), (0, 1 << 30), (1 << 30, 0)]
for k in range(20):
    document(f"bytes{k}", bytes(random.randrange(256) for _ in range(400)).decode("latin-1"), edges)
document("empty", "", edges)
document("surrogates", "# 🙂🙂 é\nfn f(x) = x # 🙂\n", edges)
deep = 20000
for name, text in {
    "parens": "fn f(x) = " + "(" * deep + "x" + ")" * deep,
    "calls": "fn f(x) = " + "exp(" * deep + "x" + ")" * deep,
    "chain": "fn f(x) = x" + " + x" * deep,
    "braces": "fn f(x) " + "{" * deep,
    "minus": "fn f(x) = " + "-" * deep + "x",
    "itself": "use itself\nfn f(x) = f(x)\nconst A = A\n",
}.items():
    document(name, text, edges)
library = pathlib.Path(sys.argv[1], "frontend", "std")
for path in sorted(library.glob("*.attn")):
    text = path.read_text()
    for cut in random.sample(range(len(text)), 6):
        lines = text[:cut].count("\n") + 1
        document(f"{path.stem}{cut}", text[:cut],
                 [(lines - 1, 200), *((random.randrange(lines), random.randrange(60)) for _ in range(4))])
raw(b"[" * 100000)
raw(b"{]")
raw(b"\xff\xfe")
raw(b"[1, 2]")
raw(b'{"jsonrpc": "1.0", "method": "exit"}')
sys.stdout.buffer.write(b"Content-Length: 99999999999999999999\r\n\r\n")
send("shutdown", None, True)
send("exit")
print(number, file=sys.stderr)
