"""Writes unicode_ident.def, the code points that may start or continue an identifier, from what
Python's own str.isidentifier says. Run it with a Python 3 to see the table's origin or to move to a
newer Unicode:  python3 unicode_ident.py > unicode_ident.def"""

import unicodedata


def classes():
    """Yields (code point, class) for all above ASCII: 2 starts identifiers, 1 continues them."""
    for code in range(128, 0x110000):
        char = chr(code)
        if char.isidentifier():
            yield code, 2
        elif ("a" + char).isidentifier():
            yield code, 1


def ranges():
    """Joins neighbours of one class: [first, last, class]."""
    found = []
    for code, kind in classes():
        if found and found[-1][1] == code - 1 and found[-1][2] == kind:
            found[-1][1] = code
        else:
            found.append([code, code, kind])
    return found


def main():
    print("/* unicode_ident.def -- made by unicode_ident.py from Unicode %s; RANGE(first, last, starts)."
          % unicodedata.unidata_version)
    print(" * clang-format off */")
    line = ""
    for first, last, kind in ranges():
        item = "RANGE(0x%x, 0x%x, %d)" % (first, last, kind - 1)
        if len(line) + len(item) > 98:
            print(line)
            line = ""
        line += (" " if line else "") + item
    print(line)


main()
