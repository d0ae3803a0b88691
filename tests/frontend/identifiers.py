"""Is frontend/unicode_ident.def what unicode_ident.py makes?

    identifiers.py PATH-OF-TK-PARSE-CHECK FOLDER-OF-THE-FRONT-END

And does tkc take the same characters into identifiers as python3? Skipped where python3 knows
another version of Unicode than the table.
"""

import subprocess
import sys
import unicodedata


def main():
    tool, folder = sys.argv[1:]
    with open(folder + "/unicode_ident.def", encoding="utf-8") as file:
        table = file.read()
    if "Unicode %s;" % unicodedata.unidata_version not in table:
        print("the table is of another version than %s" % unicodedata.unidata_version)
        return 77
    made = subprocess.run([sys.executable, folder + "/unicode_ident.py"], stdout=subprocess.PIPE,
                          check=True).stdout.decode()
    if made != table:
        print("unicode_ident.py writes another table")
        return 1
    codes = [code for code in range(0x80, 0x30000, 7) if not 0xd800 <= code < 0xe000]
    names = [chr(code) for code in codes] + ["a" + chr(code) for code in codes]
    texts = b"".join(b"%d\n" % len(name.encode()) + name.encode() for name in names)
    answers = subprocess.run([tool, "--texts"], input=texts, stdout=subprocess.PIPE,
                             check=True).stdout.decode().split("\n")[:-1]
    wrong = [name for name, answer in zip(names, answers)
             if (answer == "ok") != name.isidentifier()]
    print("%d names, %d answers, %d wrong %r" % (len(names), len(answers), len(wrong), wrong[:5]))
    return 1 if wrong or len(names) != len(answers) else 0


if __name__ == "__main__":
    sys.exit(main())
