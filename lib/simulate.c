/* SPDX-License-Identifier: MIT
 *
 * Boxes are never walked one by one. Along an axis they are told in runs of boxes with equal windows: away from
 * borders windows repeat with the stride, at a border of a shifted window they stand still. The keys of a box are
 * the product of its spans along the axes, and spans have few distinct values, so the sum over all boxes is one
 * over triples of distinct spans.
 */
#include "simulate.h"

#include "sizes.h"
#include "window.h"

#define SIDE_MAX     1024u /* rows of a tile, at most */
#define SPANS_MAX    64    /* distinct spans that are held at a time */
#define WALK_AT_WILL 65536 /* window positions up to which every side is tried */

/* `boxes` boxes that need these keys along the axis, or as many at an equal place. */
typedef struct run {
    vt_window keys;
    uint64_t boxes;
} run;

/* Where a walk over the boxes along one axis stands. */
typedef struct walk {
    const vatten_axis *axis;
    uint64_t side;
    uint64_t group; /* the one that is walked, for all that are alike */
    uint64_t alike; /* how many those are */
    uint64_t next;  /* the next group to walk */
    uint64_t n;     /* positions of the group */
    uint64_t box, boxes;
    uint64_t inner, inner_end; /* boxes that lie inside */
    uint64_t period;           /* boxes after which inner ones repeat */
} walk;

static uint64_t gcd(uint64_t a, uint64_t b) {
    while (b) {
        uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

static walk walk_along(const vatten_axis *axis, uint32_t side) {
    return (walk){.axis = axis, .side = side, .period = axis->stride / gcd(axis->stride, side)};
}

static bool next_group(walk *w) {
    if (w->next >= w->axis->dilation)
        return false;
    w->group = w->next;
    w->next = vt_group_alike_end(w->axis, w->group);
    w->alike = w->next - w->group;
    w->n = vt_group_length(w->axis, w->group);
    w->box = 0;
    w->boxes = vt_ceil_div(w->n, w->side);
    uint64_t from, to;
    vt_window_inner(w->axis, w->group, &from, &to);
    w->inner = vt_ceil_div(from, w->side);
    w->inner_end = vt_max(to / w->side, w->inner);
    return true;
}

static vt_window window_of_first(const walk *w, uint64_t box) {
    return vt_window_of(w->axis, w->group, box * w->side);
}

static vt_window window_of_last(const walk *w, uint64_t box) {
    return vt_window_of(w->axis, w->group, vt_min((box + 1) * w->side, w->n) - 1);
}

static bool equal(const vt_window *a, const vt_window *b) {
    return a->start == b->start && a->end == b->end;
}

/* Boxes from the current one on, before `end`, all of whose queries share one window: windows never move back, so
 * the last query of the last box answers for all. */
static uint64_t standing(const walk *w, const vt_window *first, uint64_t end) {
    uint64_t box = w->box;
    vt_window last = window_of_last(w, box);
    if (!equal(first, &last))
        return 1;
    for (uint64_t step = 1; step;) {
        uint64_t next = box + step;
        bool same = next < end;
        if (same) {
            last = window_of_last(w, next);
            same = equal(first, &last);
        }
        box = same ? next : box;
        step = same ? step * 2 : step / 2;
    }
    return box - w->box + 1;
}

/* Inner boxes: one period of them is walked and stands for all whole periods; the rest is walked like a border. */
static bool next_run(walk *w, run *r) {
    if (w->box >= w->boxes && !next_group(w))
        return false;
    const vt_window first = window_of_first(w, w->box);
    r->keys = (vt_window){first.start, window_of_last(w, w->box).end};
    uint64_t periods = (w->inner_end - w->inner) / w->period;
    bool before = w->box < w->inner;
    if (!before && periods > 1 && w->box < w->inner + w->period) {
        ++w->box;
        if (w->box == w->inner + w->period)
            w->box = w->inner + periods * w->period;
        r->boxes = periods * w->alike;
        return true;
    }
    uint64_t count = standing(w, &first, before ? vt_min(w->inner, w->boxes) : w->boxes);
    w->box += count;
    r->boxes = count * w->alike;
    return true;
}

static uint64_t keys_of(const run *r) {
    return (uint64_t)(r->keys.end - r->keys.start);
}

/* Distinct spans with the number of boxes that have each. */
typedef struct spans {
    uint32_t count;
    uint64_t keys[SPANS_MAX];
    uint64_t boxes[SPANS_MAX];
    bool waits; /* for room: `last` is not among them yet */
    run last;
} spans;

static bool hold(spans *s, const run *r) {
    uint64_t keys = keys_of(r);
    uint32_t i = 0;
    while (i < s->count && s->keys[i] != keys)
        ++i;
    if (i == SPANS_MAX)
        return false;
    if (i == s->count) {
        ++s->count;
        s->keys[i] = keys;
        s->boxes[i] = 0;
    }
    s->boxes[i] += r->boxes;
    return true;
}

/* The next boxes of the walk, as many as their distinct spans find room. False: none are left. */
static bool next_spans(walk *w, spans *s) {
    s->count = 0;
    if (s->waits)
        hold(s, &s->last);
    s->waits = false;
    while (!s->waits && next_run(w, &s->last))
        s->waits = !hold(s, &s->last);
    return s->count > 0;
}

static void add_planes(const spans *s, uint64_t keys, uint64_t boxes, uint32_t tile, vt_visits *sum) {
    for (uint32_t i = 0; i < s->count; ++i) {
        uint64_t tiles = vt_ceil_div(keys * s->keys[i], tile);
        sum->boxes += boxes * s->boxes[i];
        sum->tiles += boxes * s->boxes[i] * tiles;
        sum->most = vt_max(sum->most, tiles);
    }
}

vt_visits vt_simulate(const vt_problem *p, uint32_t keys, const vt_box *box) {
    vt_visits sum = {0, 0, 0};
    spans s[3];
    walk w0 = walk_along(&p->axis[0], box->side[0]);
    for (s[0].waits = false; next_spans(&w0, &s[0]);) {
        walk w1 = walk_along(&p->axis[1], box->side[1]);
        for (s[1].waits = false; next_spans(&w1, &s[1]);) {
            walk w2 = walk_along(&p->axis[2], box->side[2]);
            for (s[2].waits = false; next_spans(&w2, &s[2]);)
                for (uint32_t i = 0; i < s[0].count; ++i)
                    for (uint32_t j = 0; j < s[1].count; ++j)
                        add_planes(&s[2], s[0].keys[i] * s[1].keys[j], s[0].boxes[i] * s[1].boxes[j], keys,
                                   &sum);
        }
    }
    return sum;
}

uint64_t vt_simulate_along(const vatten_axis *axis, uint32_t side) {
    uint64_t most = 0;
    run r;
    for (walk w = walk_along(axis, side); next_run(&w, &r);)
        most = vt_max(most, keys_of(&r));
    return most;
}

/* Windows of a plain axis have one length: queries whose windows together are no longer share theirs. */
static bool whole_along(const vatten_axis *axis, uint32_t side) {
    run r;
    if (axis->causal || axis->edge != VATTEN_EDGE_SHIFT || axis->roll)
        return false;
    for (walk w = walk_along(axis, side); next_run(&w, &r);)
        if (keys_of(&r) != axis->window)
            return false;
    return true;
}

bool vt_simulate_whole(const vt_problem *p, const vt_box *box) {
    return whole_along(&p->axis[0], box->side[0]) && whole_along(&p->axis[1], box->side[1]) &&
           whole_along(&p->axis[2], box->side[2]);
}

/* Key boxes at fixed places: whether one is visited is asked axis by axis, so the sums multiply. */
vt_visits vt_simulate_fixed(const vt_problem *p, const vt_box *box, uint64_t *all) {
    vt_visits product = {1, 1, 1};
    *all = 1;
    for (int a = 0; a < 3; ++a) {
        vt_visits sum = {0, 0, 0};
        uint64_t pairs = 0;
        run r;
        for (walk w = walk_along(&p->axis[a], box->side[a]); next_run(&w, &r);) {
            uint64_t tiles = (uint64_t)(r.keys.end - 1) / w.side - (uint64_t)r.keys.start / w.side + 1;
            sum.boxes += r.boxes;
            sum.tiles += r.boxes * tiles;
            sum.most = vt_max(sum.most, tiles);
            pairs += r.boxes * w.boxes;
        }
        product.boxes *= sum.boxes;
        product.tiles *= sum.tiles;
        product.most *= sum.most;
        *all *= pairs;
    }
    return product;
}

/* ---- The choice of the box ---- */

typedef struct choice {
    const vt_problem *problem;
    const vt_tile *tile;
    uint32_t longest[3]; /* side that no box needs to pass: the group's length, or what may be bound */
    bool powers;         /* only sides that are powers of two */
    uint64_t keys[3][SIDE_MAX + 1]; /* spans of all boxes added up, by side; 0 = not asked for yet */
    vt_box best;
    uint64_t least;
} choice;

static uint64_t keys_of_side(choice *c, int a, uint32_t side) {
    uint64_t *sum = &c->keys[a][side];
    run r;
    if (*sum == 0)
        for (walk w = walk_along(&c->problem->axis[a], side); next_run(&w, &r);)
            *sum += r.boxes * keys_of(&r);
    return *sum;
}

/* Each box visits at least its keys by the tile's. */
static uint64_t fewest(choice *c, const vt_box *b) {
    uint64_t keys = vt_saturating_mul(keys_of_side(c, 0, b->side[0]), keys_of_side(c, 1, b->side[1]));
    return vt_ceil_div(vt_saturating_mul(keys, keys_of_side(c, 2, b->side[2])), c->tile->keys);
}

/* Which of two boxes with equally many tiles: the longer one in memory. */
static bool longer(const choice *c, const vt_box *a, const vt_box *b) {
    for (uint32_t axis = c->problem->rank; axis-- > 0;)
        if (a->side[axis] != b->side[axis])
            return a->side[axis] > b->side[axis];
    return false;
}

static void estimate(choice *c, const vt_box *b) {
    uint64_t tiles = fewest(c, b);
    c->best = tiles < c->least ? *b : c->best;
    c->least = vt_min(c->least, tiles);
}

/* Most boxes need no exact count: not even with whole tiles only would they be better. */
static void judge(choice *c, const vt_box *b) {
    if (fewest(c, b) > c->least)
        return;
    uint64_t tiles = vt_simulate(c->problem, c->tile->keys, b).tiles;
    if (tiles < c->least || (tiles == c->least && longer(c, b, &c->best))) {
        c->best = *b;
        c->least = tiles;
    }
}

/* Two neighbouring boxes made one visit no more tiles than before. So a box matters only if no side of it can be
 * doubled. */
static bool matters(const choice *c, const vt_box *b) {
    bool full = b->side[0] * b->side[1] * b->side[2] * 2 > c->tile->rows;
    for (int a = 0; !full && a < 3; ++a)
        if (b->side[a] * 2 <= c->longest[a])
            return false;
    return true;
}

static uint32_t next_side(const choice *c, uint32_t side) {
    return c->powers ? side * 2 : side + 1;
}

static void each_box(choice *c, void (*visit)(choice *, const vt_box *)) {
    uint32_t rows = c->tile->rows;
    vt_box b;
    for (b.side[0] = 1; b.side[0] <= vt_min(rows, c->longest[0]); b.side[0] = next_side(c, b.side[0]))
        for (b.side[1] = 1; b.side[1] <= vt_min(rows / b.side[0], c->longest[1]);
             b.side[1] = next_side(c, b.side[1]))
            for (b.side[2] = 1; b.side[2] <= vt_min(rows / (b.side[0] * b.side[1]), c->longest[2]);
                 b.side[2] = next_side(c, b.side[2]))
                if (matters(c, &b))
                    visit(c, &b);
}

/* The box with the fewest keys is a good one already; it leaves few others to be counted exactly. */
vt_box vt_simulate_best(const vt_problem *p, const vt_tile *tile, uint32_t most_side0) {
    choice c = {.problem = p, .tile = tile, .best = {{1, 1, 1}}, .least = UINT64_MAX};
    uint64_t reach = 0;
    for (int a = 0; a < 3; ++a) {
        uint64_t length = vt_ceil_div(p->axis[a].extent, p->axis[a].dilation);
        c.longest[a] = (uint32_t)vt_min(vt_min(length, tile->rows), a == 0 ? most_side0 : SIDE_MAX);
        reach += vt_min(p->axis[a].window, length) + vt_min(p->axis[a].stride, length);
    }
    c.powers = reach > WALK_AT_WILL;
    each_box(&c, estimate);
    c.least = vt_simulate(p, tile->keys, &c.best).tiles;
    each_box(&c, judge);
    return c.best;
}
