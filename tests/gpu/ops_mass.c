/* SPDX-License-Identifier: MIT
 *
 * Cases of attention mass: the dense attention with rules that the same numbers say, and what is asked of its probabilities.
 */
#include "mass_run.h"
#include "ops_heads.h"
#include "ops_problem.h"
#include "ops_run.h"

/* What has a log-sum-exp of all keys, in a layout that serves mass. */
static void set_attention(const gpu *g, const ops_case *c, gpu_problem *p) {
    static const vatten_layout layouts[] = {VATTEN_LAYOUT_ROWS, VATTEN_LAYOUT_SUBGROUP, VATTEN_LAYOUT_SHARED};
    ops_case attention = *c;
    uint32_t *words;
    attention.family = OPS_RULES;
    attention.field[OPS_normaliser] = attention.field[OPS_carry] = 0;
    attention.field[OPS_lse] = 1;
    ops_problem(g, &attention, p, &words);
    vatten_layout layout = layouts[FIELD(layout) % 3];
    gpu_set_layout(g, p, gpu_has_layout(g, layout) ? layout : VATTEN_LAYOUT_SHARED, FIELD(small) != 0);
}

/* One weight for each row of all heads, or for each query alone. */
static void set_columns(const ops_case *c, const vatten_attention_desc *a, vatten_mass_desc *d) {
    d->kv_heads = FIELD(keep) != 0;
    d->last = ops_bounded(FIELD(first), 0, a->q_len);
    d->weighted = FIELD(gains) != 0;
    if (d->weighted && FIELD(gates) % 2) {
        d->weights = (vatten_mass_strides){.query = 1};
    }
}

static void set_segments(const ops_case *c, const vatten_attention_desc *a, vatten_mass_desc *d) {
    bool own = (a->masks & VATTEN_MASK_SEGMENTS) != 0;
    bool batches = a->lengths != VATTEN_LENGTHS_PACKED || a->page_size != 0;
    d->segments = a->segments ? a->segments : (uint32_t)ops_bounded(FIELD(pieces), 1, 4096);
    d->segment_batch = !own && batches && FIELD(gates) % 2;
}

void ops_run_mass(gpu *g, const ops_case *c, const char *name) {
    mass_case m = {.desc.kind = (vatten_mass_kind)(VATTEN_MASS_COLUMNS + FIELD(kind) % 5)};
    vatten_mass_desc *d = &m.desc;
    set_attention(g, c, &m.problem);
    gpu_name(&m.problem, "%s", name);
    const vatten_attention_desc *a = &m.problem.dense;
    if (d->kind == VATTEN_MASS_COLUMNS) {
        set_columns(c, a, d);
    } else if (d->kind == VATTEN_MASS_SEGMENTS) {
        set_segments(c, a, d);
    } else if (d->kind == VATTEN_MASS_ROWS) {
        d->listed = a->lengths == VATTEN_LENGTHS_PACKED || FIELD(gates) % 2;
        d->rows = ops_bounded(FIELD(rows), 1, d->listed ? 64 : a->q_len);
    } else if (d->kind == VATTEN_MASS_BLOCK_MAX) {
        d->block = ops_bounded(FIELD(kv_block), 1, 4096);
    }
    mass_check(g, &m);
}
