"""
A WeChat to develop against: Pay v3 and the mini-program API, over HTTP.

It runs as its own process, makes its own keys at start, keeps everything in memory and
imports nothing of the mall. The mall meets it only over HTTP; tests, the demo and the page
drive it through `/control/...` (README.md in this folder lists every path).

Adding a surface is adding a file: state in a `Store`, routes behind `exchange.call`, and one
line in `app.SURFACES`.
"""
