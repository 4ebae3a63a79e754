/* SPDX-License-Identifier: MIT */
#include "tune_search.h"

#include "bench_rig.h"
#include "say.h"
#include "tune_space.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SHORT_TURNS = 3 };

#define HOPELESS    2.0 /* times as long on a line: not looked at on the next one */
#define SEED_AT     1.5 /* how far a layout's own tile is said to lie: behind the first neighbours */
#define SCREEN_PART 0.6 /* of a group's time; the rest is for the finals */

volatile sig_atomic_t tune_interrupted;

typedef struct search {
    vatten_context *context;
    const bench_vk *vk;
    const tune_settings *settings;
    tune_group *group;
    vatten_device_info device;
    bench_rig *before; /* of each line, with the present tile */
    double start_ms, end_ms;
} search;

static bool is_over(double end_ms) {
    return tune_interrupted || stats_now_ms() >= end_ms;
}

/* ---- Rigs ---- */

/* With the tile asked for; NULL: what the device has for the layout. */
static bool make_rig(const search *s, const tune_line *line, const vatten_tile *ask, bench_rig *rig,
                     bench_row *row) {
    bench_problem problem = *line->problem;
    problem.options.layout = ask != NULL ? (int)ask->layout : (int)s->group->layout;
    if (ask != NULL && ask->workgroup != 0) {
        const int64_t sizes[4] = {ask->workgroup, ask->rows, ask->keys, ask->lanes_per_row};
        problem.options.tile.count = 4;
        memcpy(problem.options.tile.value, sizes, sizeof sizes);
    }
    memset(row, 0, sizeof *row);
    return bench_rig_make(s->context, s->vk, &problem, s->settings->rows, rig, row);
}

/* A line whose present tile does not run cannot be tuned: an error, but no reason to leave the others. */
static bool make_present(search *s) {
    tune_group *group = s->group;
    size_t kept = 0;
    bool good = true;
    for (size_t l = 0; l < group->line_count && !tune_interrupted; ++l) {
        tune_line *line = &group->lines[l];
        if (make_rig(s, line, NULL, &s->before[kept], &line->before)) {
            group->lines[kept++] = *line;
            continue;
        }
        say_error("%s: %s: %s", line->problem->name, bench_status_name(line->before.status),
                  line->before.reason);
        good = false;
        bench_rig_destroy(&s->before[kept]);
    }
    group->line_count = kept;
    return good;
}

/* ---- A short look ---- */

static bool run_least(bench_rig *rig, bench_row *row, double *least) {
    double ms, record_us;
    if (!bench_rig_run(rig, row, &ms, &record_us))
        return false;
    *least = ms < *least ? ms : *least;
    return true;
}

/* The least time of a few turns by that of the present tile. */
static bool compare(search *s, size_t l, bench_rig *rig, bench_row *row, double *out_ratio) {
    double own = INFINITY, before = INFINITY;
    for (int turn = 0; turn < SHORT_TURNS; ++turn) {
        if (!run_least(&s->before[l], &s->group->lines[l].before, &before) || !run_least(rig, row, &own))
            return false;
        if (own > 2 * HOPELESS * before)
            break;
    }
    *out_ratio = before > 0.0 && own > 0.0 ? own / before : 1.0;
    return true;
}

static void note_percent(const tune_line *line, const bench_row *row, tune_candidate *c) {
    uint64_t before = line->before.estimate.visited_pairs, own = row->estimate.visited_pairs;
    uint32_t percent = before != 0 ? (uint32_t)ceil(100.0 * (double)own / (double)before) : 0;
    c->percent = percent > c->percent ? percent : c->percent;
}

static bool is_known(const tune_group *group, const vatten_tile *tile, const tune_candidate *self) {
    size_t present = 0;
    for (size_t l = 0; l < group->line_count; ++l)
        present += tune_space_same(tile, &group->lines[l].before.info.tile) ? 1u : 0u;
    if (present == group->line_count)
        return true;
    for (size_t i = 0; i < group->candidate_count; ++i) {
        const tune_candidate *c = &group->candidates[i];
        if (c != self && c->tile.workgroup != 0 && tune_space_same(tile, &c->tile))
            return true;
    }
    return false;
}

/* Checks the candidate on one line and takes its time there. */
static bool screen_line(search *s, size_t l, tune_candidate *c, double *out_ratio) {
    bench_rig rig;
    bench_row row;
    bool right = make_rig(s, &s->group->lines[l], &c->ask, &rig, &row);
    if (right) {
        c->tile = row.info.tile;
        c->same = l == 0 && is_known(s->group, &c->tile, c);
        note_percent(&s->group->lines[l], &row, c);
        right = c->same || compare(s, l, &rig, &row, out_ratio);
    }
    c->status = row.status;
    snprintf(c->reason, sizeof c->reason, "%s", row.reason);
    bench_rig_destroy(&rig);
    return right && !c->same;
}

static void screen(search *s, tune_candidate *c) {
    double sum = 0.0, ratio = 0.0;
    size_t l = 0;
    while (l < s->group->line_count && ratio < HOPELESS && !tune_interrupted) {
        if (!screen_line(s, l++, c, &ratio))
            return;
        sum += log(ratio);
    }
    c->screen = l == s->group->line_count || ratio >= HOPELESS ? exp(sum / (double)l) : 0.0;
}

static void tell(const search *s, const tune_candidate *c) {
    char name[160], tile[64];
    tune_group_name(s->group, name, sizeof name);
    bench_tile_text(c->tile.workgroup != 0 ? &c->tile : &c->ask, tile, sizeof tile);
    if (c->status == BENCH_WRONG)
        say_error("%s: %s is wrong and left out: %s", name, tile, c->reason);
    else if (c->status == BENCH_REFUSED)
        say_note("%s: %s: %s", name, tile, c->reason);
    else if (c->screen > 0.0)
        say_note("%s: %s: %.2f of the present time", name, tile, c->screen);
}

/* What is to be looked at next: what lies nearest to the best one so far, and early on the layouts' own tiles. */
static tune_candidate *next_candidate(tune_group *group) {
    const vatten_tile *near = &group->lines[0].before.info.tile;
    double least = 1.0;
    for (size_t i = 0; i < group->candidate_count; ++i) {
        const tune_candidate *c = &group->candidates[i];
        if (c->screen > 0.0 && c->screen < least) {
            least = c->screen;
            near = &c->tile;
        }
    }
    tune_candidate *found = NULL;
    double nearest = INFINITY;
    for (size_t i = 0; i < group->candidate_count; ++i) {
        tune_candidate *c = &group->candidates[i];
        double distance = c->ask.workgroup != 0 ? tune_space_distance(&c->ask, near) : SEED_AT;
        if (c->tried || distance >= nearest)
            continue;
        nearest = distance;
        found = c;
    }
    return found;
}

static void screen_all(search *s, double end_ms) {
    tune_group *group = s->group;
    tune_candidate *c;
    while (!is_over(end_ms) && group->tried < s->settings->candidates &&
           (c = next_candidate(group)) != NULL) {
        c->tried = true;
        c->same = c->ask.workgroup != 0 && is_known(group, &c->ask, c);
        if (c->same)
            continue;
        screen(s, c);
        tell(s, c);
        group->tried += c->screen > 0.0 || c->status == BENCH_WRONG || c->status == BENCH_REFUSED ? 1u : 0u;
    }
}

/* ---- The finals ---- */

enum { MOST_FINALISTS = 8 };

typedef struct final {
    bench_rig rig;
    bench_row row;
    tune_candidate *candidate; /* NULL: the present tile */
    double *round_ms, *ratio;
    uint32_t turns;
    bool made;
} final;

static int by_screen(const void *left, const void *right) {
    const tune_candidate *a = *(tune_candidate *const *)left, *b = *(tune_candidate *const *)right;
    return (a->screen > b->screen) - (a->screen < b->screen);
}

/* The best few; also those that a short look may have done wrong. False without memory. */
static bool find_finalists(search *s, tune_candidate **out, size_t *out_count) {
    tune_group *group = s->group;
    tune_candidate **all = calloc(group->candidate_count + 1, sizeof(tune_candidate *));
    size_t count = 0;
    *out_count = 0;
    if (all == NULL)
        return false;
    for (size_t i = 0; i < group->candidate_count; ++i)
        if (group->candidates[i].screen > 0.0 && group->candidates[i].screen < 1.05)
            all[count++] = &group->candidates[i];
    qsort(all, count, sizeof *all, by_screen);
    while (*out_count < count && *out_count < s->settings->finalists && *out_count < MOST_FINALISTS) {
        out[*out_count] = all[*out_count];
        ++*out_count;
    }
    free(all);
    return true;
}

static bool run_final(final *f, uint32_t runs, double *out_ms) {
    double sum = 0.0, ms, record_us;
    for (uint32_t n = 0; n < runs; ++n, sum += ms)
        if (!bench_rig_run(&f->rig, &f->row, &ms, &record_us))
            return false;
    *out_ms = sum / runs;
    return true;
}

static bool warm_up(const search *s, final *finals, size_t count) {
    double ms[MOST_FINALISTS + 1] = {0.0}, slowest = 0.0;
    for (size_t i = 0; i < count; ++i) {
        if (!run_final(&finals[i], s->settings->warmup + 1, &ms[i]))
            return false;
        slowest = ms[i] > slowest ? ms[i] : slowest;
    }
    for (size_t i = 0; i < count; ++i)
        finals[i].turns = stats_turns(ms[i], slowest);
    return true;
}

/* All in turns, another one begins each round. Returns the rounds, 0 when a run failed. */
static uint32_t run_rounds(const search *s, final *finals, size_t count, double end_ms) {
    uint32_t round = 0;
    for (; round < s->settings->repeat && !tune_interrupted && (round < 3 || !is_over(end_ms)); ++round)
        for (size_t i = 0; i < count; ++i) {
            final *f = &finals[(round + i) % count];
            if (!run_final(f, f->turns, &f->round_ms[round]))
                return 0;
        }
    return round;
}

static void note_final(const final *present, final *f, size_t l, uint32_t rounds) {
    tune_time *time = &f->candidate->finals[l];
    for (uint32_t i = 0; i < rounds; ++i)
        f->ratio[i] = present->round_ms[i] > 0.0 ? f->round_ms[i] / present->round_ms[i] : 1.0;
    time->ratio = stats_summarize(f->ratio, rounds).median; /* and sorted */
    time->upper = f->ratio[(3 * rounds - 1) / 4];
    time->ms = stats_summarize(f->round_ms, rounds).median;
    time->rounds = rounds;
}

static bool enter(search *s, size_t l, tune_candidate *candidate, final *f) {
    const uint32_t repeat = s->settings->repeat;
    f->candidate = candidate;
    f->round_ms = calloc(repeat, sizeof *f->round_ms);
    f->ratio = calloc(repeat, sizeof *f->ratio);
    if (f->round_ms == NULL || f->ratio == NULL)
        return false;
    f->made = true;
    return make_rig(s, &s->group->lines[l], candidate != NULL ? &candidate->tile : NULL, &f->rig, &f->row);
}

static void leave(final *finals, size_t count) {
    for (size_t i = 0; i < count; ++i) {
        if (finals[i].made)
            bench_rig_destroy(&finals[i].rig);
        free(finals[i].round_ms);
        free(finals[i].ratio);
    }
}

/* One line, all finalists and the present tile. False: it did not come to an end. */
static bool run_line(search *s, size_t l, tune_candidate **finalists, size_t count, double end_ms) {
    final finals[MOST_FINALISTS + 1];
    memset(finals, 0, sizeof finals);
    bool good = true;
    for (size_t i = 0; good && i <= count; ++i)
        good = !tune_interrupted && enter(s, l, i == 0 ? NULL : finalists[i - 1], &finals[i]);
    uint32_t rounds = good && warm_up(s, finals, count + 1) ? run_rounds(s, finals, count + 1, end_ms) : 0;
    if (rounds >= 3 || rounds == s->settings->repeat) {
        for (size_t i = 1; i <= count; ++i)
            note_final(&finals[0], &finals[i], l, rounds);
        bench_row *before = &s->group->lines[l].before;
        before->gpu_ms = stats_summarize(finals[0].round_ms, rounds);
        before->runs = rounds;
    }
    leave(finals, count + 1);
    return rounds >= 3 || (rounds != 0 && rounds == s->settings->repeat);
}

static void sum_up(const tune_group *group, tune_candidate *c) {
    double ratio = 0.0, upper = 0.0;
    c->most = 0.0;
    for (size_t l = 0; l < group->line_count; ++l) {
        ratio += log(c->finals[l].ratio);
        upper += log(c->finals[l].upper);
        c->most = c->finals[l].upper > c->most ? c->finals[l].upper : c->most;
    }
    c->ratio = exp(ratio / (double)group->line_count);
    c->upper = exp(upper / (double)group->line_count);
}

bool tune_is_better(const tune_candidate *c, uint32_t margin) {
    double saved = margin / 100.0;
    return c->ratio <= 1.0 - saved && c->upper < 1.0 && c->most <= 1.0 + saved;
}

static bool run_finals(search *s, tune_candidate **finalists, size_t count) {
    tune_group *group = s->group;
    for (size_t i = 0; i < count; ++i) {
        finalists[i]->finals = calloc(group->line_count, sizeof *finalists[i]->finals);
        if (finalists[i]->finals == NULL)
            return false;
    }
    for (size_t l = 0; l < group->line_count; ++l) {
        double left = s->end_ms - stats_now_ms();
        double end_ms = stats_now_ms() + left / (double)(group->line_count - l);
        if (!run_line(s, l, finalists, count, end_ms))
            return false;
    }
    return true;
}

static bool judge(search *s) {
    tune_group *group = s->group;
    tune_candidate *finalists[MOST_FINALISTS];
    size_t count;
    if (!find_finalists(s, finalists, &count))
        return false;
    if (tune_interrupted || (count != 0 && !run_finals(s, finalists, count)))
        return tune_interrupted; /* no verdict, and none that failed */
    group->searched = true;
    for (size_t i = 0; i < count; ++i) {
        sum_up(group, finalists[i]);
        if (group->best == NULL || finalists[i]->ratio < group->best->ratio)
            group->best = finalists[i];
    }
    if (group->best != NULL && tune_is_better(group->best, s->settings->margin))
        group->chosen = group->best;
    return true;
}

/* ---- All of it ---- */

static bool make_candidates(const search *s) {
    tune_group *group = s->group;
    tune_space space;
    if (!tune_space_make(&s->device, group->layout, group->stream, &space))
        return false;
    group->candidates = calloc(space.count + 1, sizeof *group->candidates);
    group->candidate_count = group->candidates != NULL ? space.count : 0;
    for (size_t i = 0; i < group->candidate_count; ++i)
        group->candidates[i].ask = space.tiles[i];
    tune_space_free(&space);
    return group->candidates != NULL;
}

bool tune_search(vatten_context *context, const bench_vk *vk, const tune_settings *settings, double end_ms,
                 tune_group *group) {
    search s = {.context = context, .vk = vk, .settings = settings, .group = group, .end_ms = end_ms};
    s.start_ms = stats_now_ms();
    vatten_device_get_info(vatten_context_device(context), &s.device);
    s.before = calloc(group->line_count, sizeof *s.before);
    if (s.before == NULL || !make_candidates(&s)) {
        say_error("out of memory");
        free(s.before);
        return false;
    }
    bool good = make_present(&s);
    if (group->line_count != 0)
        screen_all(&s, s.start_ms + SCREEN_PART * (end_ms - s.start_ms));
    for (size_t l = 0; l < group->line_count; ++l)
        bench_rig_destroy(&s.before[l]); /* the finals have their own: several at once need the memory */
    free(s.before);
    if (group->line_count != 0 && !judge(&s)) {
        say_error("the finals did not come to an end");
        good = false;
    }
    return good;
}
