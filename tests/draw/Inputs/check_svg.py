"""Is a picture well-formed SVG that stands alone, is named, small, and inside its view box?

    check_svg.py FILE.svg [TEXT]...     each TEXT must be among its texts
"""

import re
import sys
import xml.etree.ElementTree as ET

path, wanted = sys.argv[1], sys.argv[2:]
source = open(path, encoding="utf-8").read()
root = ET.fromstring(source)
NS = "{http://www.w3.org/2000/svg}"
assert root.tag == NS + "svg", root.tag
left, top, width, height = map(int, root.get("viewBox").split())
assert (left, top) == (0, 0) and 0 < width <= 1000, root.get("viewBox")
assert len(source) < 100000, f"{len(source)} bytes"
for name in root.get("aria-labelledby").split():
    named = [e for e in root.iter() if e.get("id") == name]
    assert len(named) == 1 and named[0].text, name
assert "prefers-color-scheme:dark" in root.find(NS + "style").text
assert not re.search(r"href|@import|<script|url\((?!#)", source), "it refers to something outside"
ids = {e.get("id") for e in root.iter() if e.get("id")}
for name in re.findall(r"url\(#(\w+)\)", source):
    assert name in ids, name
for rect in root.iter(NS + "rect"):
    x, y, w, h = (int(rect.get(key, "0")) for key in ("x", "y", "width", "height"))
    assert 0 <= x and x + w <= width and 0 <= y and y + h <= height, rect.attrib
classes = set(re.findall(r"\.([a-z]\w*)\{", root.find(NS + "style").text))
for element in root.iter():
    for name in element.get("class", "").split():
        assert name in classes, name
texts = [e.text for e in root.iter(NS + "text")]
for e in root.iter(NS + "text"):
    x, y = int(e.get("x")), int(e.get("y"))
    assert 0 <= x < width and 0 < y < height, e.attrib
    wide = len(e.text) * (9.1 if e.get("class") == "t" else 7.9 if e.get("class") == "n" else 6.7)
    if e.get("class") not in ("r", "c", "s"):
        assert x + wide <= width + 1, f"cut off: {e.text}"
for text in wanted:
    assert text in texts, f"no text {text!r} in {texts}"
print(f"{len(texts)} texts, fine")
