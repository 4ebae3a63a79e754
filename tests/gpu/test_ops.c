/* SPDX-License-Identifier: MIT
 *
 * The op matrix: generated cases of all families of plans x dtypes x lengths at tile edges x strides x head layouts x layouts of
 * kernels x what weak devices lack, each held against its oracle, guard zones and a second run. Cases are numbered; the first that fails
 * is made as small as it can be, and printed as the command that repeats it.
 *
 *   test_ops [--seed N] [--count N] [--part K/N] [--family NAME] [--caps ROW] [--case TEXT] [--tell]
 *
 * --seed is the number of the first case, --part takes every N-th group, --caps leaves out cases of other rows
 * of the table of caps ("0": those without caps), --case runs one alone, --tell prints each before it runs.
 * Unless told otherwise all families meet all rows of caps in all dtypes, once.
 * VATTEN_OPS_SEED, VATTEN_OPS_COUNT and VATTEN_OPS_PART stand for the first three.
 */
#include "gpu_caps.h"
#include "ops_run.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHRINK_TRIES 250 /* cases that the search for a smaller one may run */

static struct {
    uint64_t seed, count, part, parts;
    int family;   /* OPS_FAMILIES: all */
    uint64_t row; /* of caps; UINT64_MAX: all */
    const char *text;
    bool tell;
} asked = {.seed = 0, .count = 2376, .parts = 1, .family = OPS_FAMILIES, .row = UINT64_MAX};

static gpu device;
static uint64_t opened = UINT64_MAX; /* the row of caps that `device` has */
static uint64_t ran[OPS_FAMILIES], of_dtype[3], of_caps[64];

/* The device with a row of caps, beside those of the environment; false, and told, if it cannot be had. */
static bool open_row(uint64_t row) {
    vatten_context_desc desc = {0};
    char wrong[1024];
    row %= ops_caps_rows();
    if (row == opened) {
        return true;
    }
    gpu_leave(&device);
    opened = UINT64_MAX;
    if (!gpu_caps_lower(&desc, ops_caps_words(row), wrong, sizeof wrong)) {
        printf("test_ops: %s\n", wrong);
        device.failures++; /* else a row of the table could be lost unseen */
        return false;
    }
    int result = gpu_open(&device, "test_ops", &desc);
    if (result) {
        device.failures += result != GPU_SKIP;
        return false;
    }
    opened = row;
    return true;
}

/* Whether it was right. */
static bool run_case(const ops_case *c) {
    char text[OPS_TEXT];
    if (asked.tell) {
        ops_print(c, text);
        printf("%s\n", text);
        fflush(stdout);
    }
    return ops_run(&device, c);
}

static bool case_fails(void *user, const ops_case *c) {
    (void)user;
    return open_row(c->field[OPS_caps]) && !run_case(c);
}

/* Tells the smallest case that fails like `c`, and how. */
static void tell_smallest(const ops_case *c) {
    ops_case smallest;
    char text[OPS_TEXT];
    uint64_t failures = device.failures;
    device.quiet = true;
    unsigned tries = ops_shrink(c, case_fails, NULL, SHRINK_TRIES, &smallest);
    device.quiet = false;
    device.failures = failures;
    ops_print(&smallest, text);
    printf("The smallest case that fails too, after %u tries:\n  test_ops --case %s\n", tries, text);
    if (open_row(smallest.field[OPS_caps])) {
        run_case(&smallest);
    }
}

static void count_case(const ops_case *c) {
    ran[c->family]++;
    of_dtype[c->field[OPS_dtype] % 3]++;
    of_caps[c->field[OPS_caps] % 64]++;
}

/* Cases of one row of caps. The first to fail is kept. */
static void run_row(uint64_t row, ops_case *failed, uint64_t *failed_number) {
    for (uint64_t n = asked.seed; n < asked.seed + asked.count; ++n) {
        ops_case c;
        ops_draw(n, &c);
        bool chosen = n / OPS_MOULD / OPS_FAMILIES % asked.parts == asked.part && c.field[OPS_caps] == row &&
                      (asked.family == OPS_FAMILIES || (int)c.family == asked.family);
        if (!chosen || !open_row(row)) {
            continue;
        }
        count_case(&c);
        if (!run_case(&c)) {
            char text[OPS_TEXT];
            ops_print(&c, text);
            printf("  that was case %" PRIu64 ": test_ops --case %s\n", n, text);
            if (*failed_number == UINT64_MAX) {
                *failed = c;
                *failed_number = n;
            }
        }
    }
}

static void tell_counts(void) {
    static const char *const dtypes[3] = {"f32", "f16", "bf16"};
    uint64_t all = 0;
    printf("  cases of");
    for (int f = 0; f < OPS_FAMILIES; ++f) {
        printf(" %s %" PRIu64 ",", ops_family_name((ops_family)f), ran[f]);
        all += ran[f];
    }
    for (int t = 0; t < 3; ++t) {
        printf(" %s %" PRIu64 "%s", dtypes[t], of_dtype[t], t < 2 ? "," : "\n");
    }
    for (uint64_t row = 0; row < ops_caps_rows(); ++row) {
        const char *words = ops_caps_words(row);
        printf("  caps %" PRIu64 " \"%s\": %" PRIu64 "\n", row, words, of_caps[row]);
    }
    printf("test_ops: seed %" PRIu64 ", %" PRIu64 " cases, %" PRIu64 " failures\n", asked.seed, all,
           device.failures);
}

static void run_drawn(void) {
    ops_case failed;
    uint64_t failed_number = UINT64_MAX;
    printf("  seed %" PRIu64 ", %" PRIu64 " cases, part %" PRIu64 " of %" PRIu64 "\n", asked.seed,
           asked.count, asked.part, asked.parts);
    for (uint64_t row = 0; row < ops_caps_rows(); ++row) {
        if (asked.row == UINT64_MAX || asked.row == row) {
            run_row(row, &failed, &failed_number);
        }
    }
    if (failed_number != UINT64_MAX) {
        tell_smallest(&failed);
    }
    tell_counts();
}

static void test_generated_cases(void **state) {
    (void)state;
    ops_case one;
    if (!asked.text) {
        run_drawn();
    } else if (!ops_parse(asked.text, &one)) {
        fail_msg("\"%s\" is no case", asked.text);
    } else if (open_row(one.field[OPS_caps])) {
        run_case(&one);
    }
    gpu_assert_clean(&device);
}

/* ---- Options ---- */

static bool read_number(const char *text, uint64_t *out) {
    char *end = NULL;
    *out = text ? strtoull(text, &end, 10) : 0;
    return text && end != text && *end == '\0';
}

static bool read_part(const char *text) {
    char first[24] = "";
    size_t length = text ? strcspn(text, "/") : 0;
    if (!text || length >= sizeof first || text[length] != '/') {
        return false;
    }
    memcpy(first, text, length);
    return read_number(first, &asked.part) && read_number(text + length + 1, &asked.parts) &&
           asked.part < asked.parts;
}

static bool read_family(const char *text) {
    for (asked.family = 0; asked.family < OPS_FAMILIES; ++asked.family) {
        if (text && strcmp(text, ops_family_name((ops_family)asked.family)) == 0) {
            return true;
        }
    }
    return false;
}

static bool read_option(const char *name, const char *value) {
    if (strcmp(name, "--case") == 0) {
        asked.text = value;
        return value != NULL;
    }
    return strcmp(name, "--seed") == 0     ? read_number(value, &asked.seed)
           : strcmp(name, "--count") == 0  ? read_number(value, &asked.count)
           : strcmp(name, "--part") == 0   ? read_part(value)
           : strcmp(name, "--family") == 0 ? read_family(value)
           : strcmp(name, "--caps") == 0   ? read_number(value, &asked.row)
                                           : false;
}

static bool read_options(int argc, char **argv) {
    const char *seed = getenv("VATTEN_OPS_SEED"), *count = getenv("VATTEN_OPS_COUNT");
    const char *part = getenv("VATTEN_OPS_PART");
    bool good = (!part || read_part(part)) && (!seed || read_number(seed, &asked.seed)) &&
                (!count || read_number(count, &asked.count));
    for (int n = 1; n < argc && good; ++n) {
        if (strcmp(argv[n], "--tell") == 0) {
            asked.tell = true;
        } else {
            good = read_option(argv[n], n + 1 < argc ? argv[n + 1] : NULL);
            ++n;
        }
    }
    return good;
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_generated_cases)};
    if (!read_options(argc, argv)) {
        printf(
            "usage: test_ops [--seed N] [--count N] [--part K/N] [--family NAME] [--caps ROW] [--case TEXT] "
            "[--tell]\n");
        return 2;
    }
    int result = gpu_open(&device, "test_ops", NULL);
    if (result) {
        return result;
    }
    opened = 0;
    return gpu_close(&device, cmocka_run_group_tests(tests, NULL, NULL));
}
