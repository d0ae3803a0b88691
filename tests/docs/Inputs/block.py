"""Print the N-th block of a language in a Markdown file: block.py FILE LANGUAGE N."""

import re
import sys

path, language, number = sys.argv[1:]
with open(path, encoding="utf-8") as file:
    blocks = re.findall(rf"^```{language}\n(.*?)^```$", file.read(), re.M | re.S)
sys.stdout.write(blocks[int(number) - 1])
