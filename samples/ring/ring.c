/* SPDX-License-Identifier: MIT
 *
 * ring: exact attention over a sequence that several devices share, by MPI or in one process. See README.md; the use of vatten is
 * in ring_rank.c (ring attention) and star_rank.c (star attention).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vatten/vatten.h>

#include "arguments.h"
#include "complain.h"
#include "devices.h"
#include "photo.h"
#include "ring_link.h"
#include "ring_report.h"
#include "ring_study.h"
#include "ring_timeline.h"

#define MOST_OPTIONS 24
#define MOST_TOKENS  4194304u

typedef struct options {
    const char *method, *placement, *device, *timeline;
    uint32_t devices, tokens, query, heads, kv_heads, dim, seed, repeat, rows;
    bool causal, no_overlap, no_single, list_devices, json, help;
} options;

static size_t make_rows(options *o, argument rows[MOST_OPTIONS]) {
    const argument all[] = {
        {"--method", ARGUMENT_TEXT, &o->method, 0, 0, "ring|star", "what is computed (ring)"},
        {"--placement", ARGUMENT_TEXT, &o->placement, 0, 0, "NAME",
         "ring: contiguous, zigzag or striped (zigzag)"},
        {"--causal", ARGUMENT_FLAG, &o->causal, 0, 0, "",
         "ring: a token sees those up to itself; star always does"},
        {"--devices", ARGUMENT_COUNT, &o->devices, 1, RING_MOST_RANKS, "N",
         "N devices in this process, without MPI"},
        {"--tokens", ARGUMENT_COUNT, &o->tokens, 1, MOST_TOKENS, "N",
         "of the sequence, or star's context (4096)"},
        {"--query", ARGUMENT_COUNT, &o->query, 1, 65536, "N", "star: tokens behind the context (64)"},
        {"--heads", ARGUMENT_COUNT, &o->heads, 1, 1024, "N", "query heads (8)"},
        {"--kv-heads", ARGUMENT_COUNT, &o->kv_heads, 1, 1024, "N", "heads of keys and values (2)"},
        {"--dim", ARGUMENT_COUNT, &o->dim, 1, VATTEN_MAX_DIM, "N", "numbers of a head (64)"},
        {"--seed", ARGUMENT_COUNT, &o->seed, 0, 4294967295.0, "N", "of queries, keys and values (1)"},
        {"--repeat", ARGUMENT_COUNT, &o->repeat, 1, RING_MOST_REPEATS, "N",
         "runs, of which the median is told (5)"},
        {"--rows", ARGUMENT_COUNT, &o->rows, 0, 65536, "N", "rows that are compared with double (64)"},
        {"--no-overlap", ARGUMENT_FLAG, &o->no_overlap, 0, 0, "", "send after computing, not meanwhile"},
        {"--no-single", ARGUMENT_FLAG, &o->no_single, 0, 0, "", "do not run it on one device too"},
        {"--timeline", ARGUMENT_TEXT, &o->timeline, 0, 0, "FILE.png", "draw what each rank did when"},
        {"--device", ARGUMENT_TEXT, &o->device, 0, 0, "NAME,...",
         "parts of names, or indices: ranks take turns"},
        ARGUMENT_ROW_LIST_DEVICES(&o->list_devices),
        ARGUMENT_ROW_JSON(&o->json),
        ARGUMENT_ROW_HELP(&o->help),
    };
    memcpy(rows, all, sizeof(all));
    return sizeof(all) / sizeof(all[0]);
}

static void print_help(const argument *rows, size_t count) {
    printf(
        "usage: mpirun -np RANKS ring [options]\n"
        "       ring --devices N [options]\n\n"
        "Attention over one sequence whose tokens are spread over ranks, each with a Vulkan device. %s\n\n",
        link_mpi_built() ? "" : "This build has\nno MPI: only --devices.");
    arguments_help(rows, count);
    printf("\nExit status: 0 done, 1 failed or a difference too large, 2 wrong command line.\n");
}

static bool read_word(const char *option, const char *text, const char *const *words, int count, int *out) {
    for (*out = 0; *out < count; ++*out) {
        if (strcmp(text, words[*out]) == 0) {
            return true;
        }
    }
    return complain("%s does not take '%s', see --help", option, text);
}

static bool make_desc(const options *o, ring_study_desc *out) {
    static const char *const methods[] = {"ring", "star"}, *const placements[] = {"contiguous", "zigzag",
                                                                                  "striped"};
    int method, placement;
    if (!read_word("--method", o->method, methods, 2, &method) ||
        !read_word("--placement", o->placement, placements, 3, &placement)) {
        return false;
    }
    *out = (ring_study_desc){.shape = {.method = (ring_method)method,
                                       .placement = (ring_placement)placement,
                                       .causal = o->causal,
                                       .tokens = o->tokens,
                                       .query = o->query,
                                       .heads = o->heads,
                                       .kv_heads = o->kv_heads,
                                       .dim = o->dim,
                                       .seed = o->seed},
                             .devices = o->device,
                             .repeat = o->repeat,
                             .rows = o->rows,
                             .overlap = !o->no_overlap,
                             .single = !o->no_single};
    if (o->heads % o->kv_heads != 0) {
        return complain("--kv-heads %u is no divisor of --heads %u", o->kv_heads, o->heads);
    }
    return !o->timeline || photo_is_png(o->timeline);
}

/* What only the number of ranks can tell. Said once. */
static bool fits(const ring_study_desc *desc, const ring_link *link) {
    ring_shape s = desc->shape;
    s.ranks = link->ranks;
    uint64_t bytes = (uint64_t)s.tokens / s.ranks * s.heads * s.dim * sizeof(float);
    bool even = s.tokens % ring_granule(&s) == 0, small = 2 * bytes <= RING_MOST_BYTES;
    if (!even && link->rank == 0) {
        complain("--tokens %u is no multiple of %u, which %u ranks need", s.tokens, ring_granule(&s),
                 s.ranks);
    } else if (!small && link->rank == 0) {
        complain("a rank's tokens are more than a message holds (%u MiB): take more ranks",
                 RING_MOST_BYTES >> 20);
    }
    return even && small;
}

typedef struct program {
    options options;
    ring_study_desc desc;
} program;

static int tell(const program *p, const ring_study *study) {
    if (p->options.json) {
        ring_report_json(study);
    } else {
        ring_report_text(study);
    }
    bool drawn = !p->options.timeline || ring_timeline_draw(study, p->options.timeline);
    return drawn && ring_study_right(study) ? 0 : 1;
}

static int rank_main(ring_link *link, const void *user) {
    const program *p = user;
    if (!fits(&p->desc, link)) {
        return 2;
    }
    ring_study *study = calloc(1, sizeof(*study)); /* too large for the stack of a thread */
    int code = study && ring_study_run(&p->desc, link, study) ? 0 : 1;
    if (code == 0 && link->rank == 0) {
        code = tell(p, study);
    }
    free(study);
    return code;
}

int main(int argc, char **argv) {
    program p = {.options = {.method = "ring",
                             .placement = "zigzag",
                             .tokens = 4096,
                             .query = 64,
                             .heads = 8,
                             .kv_heads = 2,
                             .dim = 64,
                             .seed = 1,
                             .repeat = 5,
                             .rows = 64}};
    argument rows[MOST_OPTIONS];
    size_t count = make_rows(&p.options, rows);
    complain_begin("ring");
    if (!arguments_read(rows, count, argc, argv, NULL)) {
        return 2;
    }
    if (p.options.help) {
        print_help(rows, count);
        return 0;
    }
    if (p.options.list_devices) {
        return devices_list() ? 0 : 1;
    }
    if (!make_desc(&p.options, &p.desc)) {
        return 2;
    }
    if (p.options.devices != 0 || !link_mpi_built()) {
        uint32_t ranks = p.options.devices != 0 ? p.options.devices : 1;
        return link_threads_run(ranks, rank_main, &p);
    }
    return link_mpi_run(&argc, &argv, rank_main, &p);
}
