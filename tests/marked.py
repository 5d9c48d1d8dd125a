"""Tables in pages of docs/ that a program writes: each stands between two marks of its name."""
import os

DOCS = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "docs")


def _split(page, section):
    start, end = "<!-- %s -->" % section, "<!-- end of %s -->" % section
    with open(os.path.join(DOCS, page), encoding="utf-8") as file:
        head, rest = file.read().split(start, 1)
    old, tail = rest.split(end, 1)
    return head + start, old, end + tail


def read(page, section):
    """What stands between the marks."""
    return _split(page, section)[1]


def write(page, section, text):
    """Replaces what stands between the marks."""
    head, _, tail = _split(page, section)
    with open(os.path.join(DOCS, page), "w", encoding="utf-8") as file:
        file.write("%s\n%s\n%s" % (head, text, tail))
