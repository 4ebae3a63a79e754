#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Pages of vatten_bench --html, read as a browser does: balanced, complete, and with nothing from elsewhere.

usage: test_page.py FOLDER_OF_THE_TOOLS [unittest options]
Exit status 77 when NumPy or a Vulkan device is missing.
"""
import json
from html.parser import HTMLParser

import tool_support as support
from tool_support import run_tool

VOID = {"meta", "br", "hr", "img", "input", "link"}
FETCHES = {"src", "srcset", "data", "action", "formaction", "poster", "background", "manifest", "ping", "xlink:href"}


class Page(HTMLParser):
    """Refuses what is not balanced, collects tables, ids and texts."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.open, self.faults, self.ids, self.tags, self.styles = [], [], [], [], ""
        self.rows, self.cell, self.headings, self.json = [], None, [], ""
        self.feed(text)
        self.close()
        self.faults += [f"<{tag}> stays open" for tag in self.open]

    def handle_starttag(self, tag, attributes):
        names = dict(attributes)
        self.tags.append(tag)
        if len(names) != len(attributes):
            self.faults.append(f"<{tag}> has an attribute twice")
        self.faults += [f"<{tag} {name}>" for name in names if name in FETCHES or name.startswith("on")]
        if "href" in names and not names["href"].startswith("#"):
            self.faults.append(f"<{tag} href={names['href']}>")
        self.styles += names.get("style") or ""
        if "id" in names:
            self.ids.append(names["id"])
        if tag == "tr":
            self.rows.append((names.get("id"), []))
        if tag in ("td", "th"):
            self.rows[-1][1].append("")
        if tag in ("h1", "h2", "h3"):
            self.headings.append("")
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        if not self.open or self.open[-1] != tag:
            self.faults.append(f"</{tag}> within {self.open[-3:]}")
        else:
            self.open.pop()

    def handle_data(self, data):
        within = self.open[-1] if self.open else ""
        if within == "style":
            self.styles += data
        if {"td", "th"} & set(self.open):
            self.rows[-1][1][-1] += data
        if within in ("h1", "h2", "h3"):
            self.headings[-1] += data
        if within == "pre":
            self.json += data

    def runs(self):
        return [json.loads(line) for line in self.json.splitlines() if line]


def number(value):
    return f"{value:.0f}" if value == int(value) else f"{value:.4g}"


class Pages(support.ToolCase):
    def read(self, name="page.html"):
        with open(self.path(name), encoding="utf-8") as file:
            page = Page(file.read())
        self.assertEqual(page.faults, [])
        self.assertEqual(len(set(page.ids)), len(page.ids))
        self.assertFalse({"script", "link", "iframe", "object", "embed", "base", "form"} & set(page.tags))
        for word in ("url(", "@import", "expression("):
            self.assertNotIn(word, page.styles)
        return page

    def check_rows(self, page):
        """Every line of the JSON has its row, with the problem and its time."""
        rows = dict(page.rows)
        count = 0
        for r, run in enumerate(page.runs(), 1):
            for n, row in enumerate(run["rows"], 1):
                cells = rows[f"row{r}-{n}"]
                self.assertEqual(cells[:2], [str(n), row["problem"]])
                if row.get("ms", 0) > 0:
                    text = f"{number(row['ms'])} ({number(row['ms_min'])} \N{EN DASH} {number(row['ms_max'])})"
                    self.assertIn(text, cells)
                for key in ("kernel", "of_fma_roof", "of_copy_roof", "gflops", "speedup"):
                    if row.get(key):
                        self.assertIn(row[key] if key == "kernel" else number(row[key]), cells)
                count += 1
        self.assertEqual(count, sum(1 for name in rows if name and name.startswith("row")))
        return count

    def test_suites_become_one_page(self):
        words = ["--suite", "quick,quick", "--repeat", "2", "--html", self.path("page.html"), "--history", self.path("h")]
        code, out, err = run_tool("vatten_bench", *words)
        self.assertEqual(code, 0, err)
        self.assertIn("| problem |", out)
        page = self.read()
        self.assertEqual(self.check_rows(page), 8)
        with open(self.path("h"), encoding="utf-8") as file:
            self.assertEqual([json.loads(line) for line in file], page.runs())
        run = page.runs()[0]
        self.assertEqual(page.headings[1], f"Device: {run['device']}")
        self.assertEqual([text for text in page.headings if text.startswith("Run")], ["Run 1: quick", "Run 2: quick"])
        members = [cells for _, cells in page.rows if len(cells) == 2]
        self.assertIn(["invocations", number(run["limits"]["invocations"])], members)
        self.assertEqual({quirk["name"] for quirk in run["quirks"]}, set(run["limits"]["quirks"].split()))
        for quirk in run["quirks"]:
            self.assertTrue(any(cells[:1] == [quirk["name"]] and quirk["effect"] in cells for _, cells in page.rows))
        self.assertTrue(any(cells[0] == "multiply-add, f32" and cells[3] == run["fma_gflops"]["by"]
                            for _, cells in page.rows))
        self.assertGreaterEqual(page.tags.count("svg"), 6)
        self.assertGreaterEqual(page.tags.count("rect"), 8)

    def test_wrong_lines_say_why(self):
        words = ["neighborhood", "--extents", "8x8", "--windows", "9,3", "--dims", "16", "--repeat", "1", "--boxes", "1"]
        code, out, err = run_tool("vatten_bench", *words, "--json", "--html", self.path("page.html"))
        self.assertEqual(code, 1, err)
        page = self.read()
        self.check_rows(page)
        self.assertEqual(page.runs(), [json.loads(out)])
        self.assertTrue(any("refused: neighborhood: axis 0: window 9" in cells[-1] for _, cells in page.rows))
        self.assertTrue(any(text.startswith("Other boxes of") for text in page.headings))

    def test_runs_of_a_file(self):
        evil = "</pre><script>alert(1)</script>\"'&amp; \N{EURO SIGN}"
        row = {"problem": evil, "status": "RIGHT", "kernel": evil, "ms": 2.5, "ms_min": 2, "ms_max": 3, "of_copy_roof": 0.25,
               "method": "dense", "tokens": 1024, "speedup": 3.5, "gflops": 12, "flops": 100, "bytes": 7}
        old = {"device": evil, "driver": "d", "rows": [row, {**row, "status": "FAILED", "reason": evil}]}
        new = {"device": "other", "driver": evil, "suite": evil, "rows": [row], "exponents": [{"method": evil, "time": 1.5}],
               "copy_gbs": {"median": 9, "min": 8, "max": 10, "by": evil}, "fma_gflops": {"median": 50, "min": 8, "max": 60}}
        with open(self.path("runs"), "w", encoding="utf-8") as file:
            file.writelines(json.dumps(run) + "\n" for run in (old, new))
        code, out, err = run_tool("vatten_bench", "html", self.path("runs"), self.path("page.html"))
        self.assertEqual((code, out), (0, ""), err)
        page = self.read()
        self.assertEqual(self.check_rows(page), 3)
        self.assertEqual(page.runs(), [old, new])
        self.assertEqual([text for text in page.headings if text.startswith("Device")], ["Device: " + evil, "Device: other"])

    def test_what_cannot_be_written(self):
        code, _, err = run_tool("vatten_bench", "html", self.path("none"), self.path("page.html"))
        self.assertEqual(code, 1)
        self.assertIn("none", err)
        with open(self.path("runs"), "w", encoding="utf-8") as file:
            json.dump({"device": "d", "rows": []}, file)
        code, _, err = run_tool("vatten_bench", "html", self.path("runs"), self.path("no/page.html"))
        self.assertEqual(code, 1)
        self.assertIn("cannot be written", err)
        code, out, err = run_tool("vatten_bench", "--suite", "quick", "--html", self.path("no/page.html"))
        self.assertEqual((code, out), (1, ""))  # before anything is measured
        self.assertIn("cannot be written", err)
        self.assertNotIn("[1/", err)
        for words in (["html"], ["html", "a"], ["html", "a", "b", "c"], ["html", "--json"]):
            self.assertEqual(run_tool("vatten_bench", *words)[0], 2, words)


if __name__ == "__main__":
    support.main(__doc__)
