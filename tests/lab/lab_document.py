"""The table of docs/lab.md: the worst of several runs, a row a fault, a column a daemon."""
import os
import sys

sys.path.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import ce  # noqa: E402
import marked  # noqa: E402

PAGE = "lab.md"
ORDER = ("sealane", "bird", "frr")


def _loss(results, direction):
    """In words: the longest interruption, or that nothing came through again."""
    summaries = [result[direction] for result in results]
    if any(summary["open"] for summary in summaries):
        return results[0]["never"]
    return "%.0f ms" % max(summary["outage_ms"] for summary in summaries)


def _cell(results):
    """The worst of a row's runs, and every packet in the clear of all of them."""
    if not results:
        return "not run"
    whole = [result for result in results if "error" not in result]
    if not whole:
        return "did not heal in 120 s"
    if whole[0].get("is_start"):
        text = "%.1f s" % max(result["repair_s"] for result in whole)
    else:
        text = "%s / %s" % (_loss(whole, "out"), _loss(whole, "back"))
    if len(whole) < len(results):
        text += ", %d of %d did not heal" % (len(results) - len(whole), len(results))
    leaked = sum(result["leaked"] for result in whole)
    return text + (", **%d in the clear**" % leaked if leaked else "")


def _owed(results):
    return next((result["owed"] for result in results if "owed" in result), "-")


def _lines(seen):
    """[fault, owed, a cell per daemon]; only daemons that ran."""
    kinds = [kind for kind in ORDER if any(kind in found for found in seen.values())]
    yield ["fault", "at most"] + [ce.KINDS[kind].title for kind in kinds]
    for fault, found in seen.items():
        owed = _owed([result for results in found.values() for result in results])
        yield [fault, owed] + [_cell(found.get(kind)) for kind in kinds]


def text(seen):
    """For a terminal, in columns; the limits are judged in the rows above it."""
    lines = [[cell.replace("*", "") for cell in line[:1] + line[2:]] for line in _lines(seen)]
    widths = [max(map(len, column)) for column in zip(*lines)]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip()
                     for line in lines)


def _old_cells():
    """{(fault, head): cell} of the table that stands in the page."""
    lines = [[cell.strip() for cell in line.strip("|").split("|")]
             for line in marked.read(PAGE, "table").splitlines() if line.startswith("| ")]
    return {(line[0], head): cell for line in lines[1:] for head, cell in zip(lines[0], line)}


def write(seen):
    """Daemons that did not run keep what the page says of them."""
    head, *lines = _lines(seen)
    old = _old_cells()
    titles = [ce.KINDS[kind].title for kind in ORDER]
    kept = [title for title in titles if title in head or any(title == was for _, was in old)]
    page = ["| %s |" % " | ".join(head[:2] + kept), "|---" * (2 + len(kept)) + "|"]
    for fault, owed, *cells in lines:
        new = dict(zip(head[2:], cells))
        owed = owed if owed != "-" else old.get((fault, head[1]), owed)
        cells = [new.get(title, old.get((fault, title), "not run")) for title in kept]
        page.append("| %s |" % " | ".join([fault, owed] + cells))
    marked.write(PAGE, "table", "\n".join(page))
