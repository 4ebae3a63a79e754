/* SPDX-License-Identifier: MIT
 *
 * Pages that are written: of runs that were just made, or of runs that stand in a file.
 */
#include "bench_page.h"

#include "bench_history.h"
#include "options.h"
#include "say.h"
#include "staged.h"
#include "tool_device.h"

bool bench_page_can_write(const char *path) {
    char reason[STAGED_REASON], *name = NULL;
    FILE *file = staged_open(path, &name, reason);
    bool good = file != NULL && staged_close(file, true, &name, reason);
    staged_discard(name);
    if (!good)
        say_error("%s %s", path, reason);
    return good;
}

bool bench_page_write(const char *path, const cJSON *runs) {
    char reason[STAGED_REASON], *name = NULL;
    FILE *file = staged_open(path, &name, reason);
    if (file != NULL)
        bench_page_print(file, runs);
    bool good = file != NULL && staged_close(file, ferror(file) == 0, &name, reason) &&
                staged_commit(path, name, reason);
    if (!good)
        say_error("%s %s", path, reason);
    return good;
}

static const char usage_text[] =
    "usage: vatten_bench html RUNS PAGE\n"
    "\n"
    "All runs of a file, a history or what --json printed, as one page of HTML. Needs no device.\n"
    "Exit status: 0 written, 1 it is not, 2 wrong command line.\n";

static int write_page(const char *from, const char *to) {
    cJSON *runs = bench_history_load(from);
    bool good = runs != NULL && bench_page_write(to, runs);
    cJSON_Delete(runs);
    return good ? SAY_OK : SAY_FAILED;
}

int bench_page_files(int argc, char **argv) {
    const tool_options options = {0};
    const option_table none = {"", NULL, 0, NULL};
    int status;
    if (argc == 3 && argv[1][0] != '-' && argv[2][0] != '-')
        return write_page(argv[1], argv[2]);
    if (!tool_parse("vatten_bench", argc, argv, &none, 1, usage_text, &options, &status))
        return status;
    say_error("html needs a file of runs and the path of the page");
    return SAY_USAGE;
}
