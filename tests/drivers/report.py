# SPDX-License-Identifier: MIT
"""What was done, line by line, and the sums. Any thread may report; runs go side by side, one per core."""
import concurrent.futures
import os
import threading


class Report:
    def __init__(self, total, out=print):
        self.total = total
        self.done = 0
        self.counts = {"passed": 0, "failed": 0, "skipped": 0}
        self.failures = []
        self.out = out
        self.lock = threading.Lock()

    def _tell(self, verdict, name, text):
        with self.lock:
            self.done += 1
            self.counts[verdict] += 1
            line = f"{verdict}: {name}" + (f": {text}" if text else "")
            if verdict == "failed":
                self.failures.append(line)
            self.out(f"[{self.done}/{self.total}] {line}")

    def passed(self, name, text=""):
        self._tell("passed", name, text)

    def failed(self, name, text):
        self._tell("failed", name, text)

    def skipped(self, name, why):
        self._tell("skipped", name, why)

    def finish(self):
        """Prints failures again and the sums; the exit status."""
        if self.failures and self.total > 10:
            self.out("")
            for line in self.failures:
                self.out(line)
        self.out("{passed} passed, {failed} failed, {skipped} skipped".format(**self.counts))
        return 1 if self.failures else 0


def side_by_side(tasks, jobs=None):
    """Calls each of `tasks`, so many at once; an exception of any is raised after all are done."""
    with concurrent.futures.ThreadPoolExecutor(jobs or os.cpu_count() or 1) as pool:
        for future in [pool.submit(task) for task in tasks]:
            future.result()
