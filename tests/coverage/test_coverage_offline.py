#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""coverage.py on documents as gcov writes them, without a build."""
import io
import contextlib
import unittest

import coverage


def line(number, count, *branches):
    return {"line_number": number, "count": count, "branches": [{"count": b, "throw": False} for b in branches]}


def document(path, *lines, folder="/build"):
    return {"current_working_directory": folder, "files": [{"file": path, "lines": list(lines)}]}


class Coverage(unittest.TestCase):
    def test_what_any_program_reached_counts(self):
        sources = coverage.read([document("/src/lib/a.c", line(1, 0, 0, 1), line(2, 0)),
                                 document("/src/lib/a.c", line(1, 3, 3, 0), line(2, 0))], "/src/lib")
        self.assertEqual(list(sources), ["a.c"])
        self.assertEqual(coverage.share(sources["a.c"].lines), (1, 2))
        self.assertEqual(coverage.share(sources["a.c"].branches), (2, 2))
        self.assertEqual(sources["a.c"].missed, [2])

    def test_only_the_folder_counts(self):
        documents = [document("/src/library/b.c", line(1, 1)), document("../src/lib/sub/c.c", line(1, 1), folder="/build"),
                     document("/usr/include/d.h", line(1, 1))]
        self.assertEqual(list(coverage.read(documents, "/src/lib")), ["sub/c.c"])

    def test_sums_are_over_lines_not_files(self):
        sources = coverage.read([document("/l/a.c", line(1, 1)), document("/l/b.c", line(1, 0), line(2, 0), line(3, 1))], "/l")
        self.assertEqual(coverage.totals(sources), ((2, 4), (0, 0)))
        self.assertEqual(coverage.percent(0, 0), 100)

    def test_exceptions_of_c_are_no_branches(self):
        one = line(1, 1, 1)
        one["branches"].append({"count": 0, "throw": True})
        self.assertEqual(coverage.totals(coverage.read([document("/l/a.c", one)], "/l")), ((1, 1), (1, 1)))

    def test_the_worst_file_comes_first_and_its_lines_are_named(self):
        sources = coverage.read([document("/l/good.c", line(1, 1)),
                                 document("/l/bad.c", line(1, 0), line(2, 0), line(4, 0), line(5, 9))], "/l")
        text = coverage.table(sources, True)
        self.assertLess(text.index("bad.c"), text.index("good.c"))
        self.assertIn("| bad.c | 25.0 % of 4 | 100.0 % of 0 |", text)
        self.assertTrue(text.endswith("bad.c: 1-2 4\n"))

    def test_the_bounds_are_the_exit_status(self):
        documents, real = [document("/l/a.c", *(line(n, n != 7) for n in range(10)))], coverage.documents_of
        coverage.documents_of = lambda build: documents
        try:
            for words, code in ((["--lines", "90"], 0), (["--lines", "91"], 1), ([], 1)):
                with contextlib.redirect_stdout(io.StringIO()) as said:
                    coverage.sys.argv = ["coverage.py", "/build", "/l", *words]
                    self.assertEqual(coverage.main(), code)
                self.assertIn("lines 90.0 % of 10, branches 100.0 % of 0", said.getvalue())
            documents.clear()
            with contextlib.redirect_stderr(io.StringIO()):
                self.assertEqual(coverage.main(), 2)
        finally:
            coverage.documents_of = real


if __name__ == "__main__":
    unittest.main()
