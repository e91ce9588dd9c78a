#!/usr/bin/env python3
"""Draws docs/failover.svg: what the demo says when its first provider refuses a request.

    cargo build && python3 docs/picture.py target/debug/switchtower > docs/failover.svg

All of it is said by the gateway and by curl; only the headers that tell nothing here are left out.
"""

import os
import re
import subprocess
import sys
import tempfile
from html import escape

MODEL = '{"model": "demo-failover", "messages": [{"role": "user", "content": "Hello!"}]}'
WIDTH, LINE, LEFT, TOP = 96, 20, 20, 34
STYLE = """
  text { font: 14px ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; fill: #1f2328; white-space: pre }
  rect { fill: #f6f8fa; stroke: #d1d9e0 }
  .dim { fill: #59636e } .good { fill: #116329 } .bad { fill: #a40e26 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } rect { fill: #0d1117; stroke: #3d444d }
    .dim { fill: #9198a1 } .good { fill: #7ee787 } .bad { fill: #ff9492 }
  }"""


def session(binary):
    """The lines of the picture, each with how it looks."""
    with tempfile.TemporaryDirectory() as empty:
        # No key and no configuration, or it would not be the demo.
        gateway = subprocess.Popen([os.path.abspath(binary), "--port", "0"], cwd=empty, env={"HOME": empty},
                                   text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    address = next(gateway.stdout).split("http://")[1].strip()
    curl = ["curl", "-si", f"http://{address}/v1/chat/completions", "-H",
            "content-type: application/json", "-d", MODEL]
    head, body = subprocess.run(curl, capture_output=True, text=True, check=True).stdout.split("\n\n", 1)
    gateway.terminate()
    log = [line for line in gateway.communicate()[1].splitlines() if re.search("attempt (failed|answered)", line)]

    yield "dim", "$ curl -i http://127.0.0.1:3000/v1/chat/completions -H 'content-type: application/json' \\"
    yield "dim", f"    -d '{MODEL}'"
    for line in head.splitlines():
        if line.startswith("HTTP/") or line.startswith("x-switchtower-"):
            yield "good", line
    content = re.search(r'"content":"((?:[^"\\]|\\.)*)"', body)
    yield "", f'{{ … "content": "{content[1][:64].rsplit(" ", 1)[0]} …" … }}'
    yield "", ""
    yield "dim", "The gateway's log:"
    for line in log:
        said = re.sub(r"^.*?(?=attempt )", "", re.sub(r"\x1b\[[\d;]*m", "", line))
        place = said.find(" why=")
        style = "bad" if "failed" in said else "good"
        yield style, said[:place]
        yield style, "   " + said[place:]


def main():
    lines = list(session(sys.argv[1]))
    width, height = LEFT * 2 + int(WIDTH * 8.45), TOP + LINE * len(lines) - 4
    label = ("A request for the model demo-failover: the first provider refuses it with 503, the "
             "second one answers, and the client sees 200 after 2 attempts")
    print(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
          f'role="img" aria-labelledby="title">')
    print(f'<title id="title">{label}</title>\n<style>{STYLE}\n</style>')
    print(f'<rect x=".5" y=".5" width="{width - 1}" height="{height - 1}" rx="8"/>')
    for number, (style, line) in enumerate(lines):
        if line:
            kind = f' class="{style}"' if style else ""
            print(f'<text x="{LEFT}" y="{TOP + LINE * number}"{kind}>{escape(line, quote=False)}</text>')
    print("</svg>")


main()
