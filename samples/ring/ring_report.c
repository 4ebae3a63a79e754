/* SPDX-License-Identifier: MIT */
#include "ring_report.h"

#include <stdio.h>

#include "json_lines.h"

const char *ring_method_name(ring_method method) {
    static const char *const names[] = {"ring", "star"};
    return names[method];
}

const char *ring_placement_name(ring_placement placement) {
    static const char *const names[] = {"contiguous", "zigzag", "striped"};
    return names[placement];
}

/* ---- Text ---- */

static void print_head(const ring_study *n) {
    const ring_shape *s = &n->desc.shape;
    printf("%s attention, %u tokens", ring_method_name(s->method), s->tokens);
    if (s->method == RING_METHOD_STAR) {
        printf(" and %u of a query, blocks of %u", s->query, star_block(s));
    } else {
        printf("%s, %s placement", s->causal ? ", causal" : "", ring_placement_name(s->placement));
    }
    printf(", %u heads on %u of keys, dim %u, f32; %u %s\n\n", s->heads, s->kv_heads, s->dim, s->ranks,
           n->one_process  ? "devices in one process"
           : s->ranks == 1 ? "rank"
                           : "MPI ranks");
}

static void print_ranks(const ring_study *n) {
    printf("| rank | device | ms | compute | transfer | neither | MB sent | pairs "
           "|\n|---|---|---|---|---|---|---|---|\n");
    for (uint32_t r = 0; r < n->desc.shape.ranks; r++) {
        const ring_outcome *o = &n->ranks[r];
        printf("| %u | %s | %.1f | %.1f | %.1f | %.1f | %.2f | %.3g |\n", r, o->device, o->total_ms,
               o->compute_ms, o->transfer_ms, o->total_ms - o->compute_ms, 1e-6 * (double)o->bytes_sent,
               (double)o->pairs);
    }
}

static void print_times(const ring_study *n) {
    printf("\n%.1f ms for all ranks (median of %u, %.1f - %.1f), %.2f MB sent; a hop alone %.2f ms.\n",
           n->total_ms, n->desc.repeat, n->least_ms, n->most_ms, 1e-6 * (double)ring_study_bytes(n),
           n->link_ms);
    if (n->single_ms > 0.0) {
        printf("%.1f ms %son one device: efficiency %.2f. The model says %.1f ms.\n", n->single_ms,
               n->desc.shape.method == RING_METHOD_STAR ? "for full attention " : "",
               ring_study_efficiency(n), n->predicted_ms);
    }
}

static void print_errors(const ring_study *n) {
    const ring_errors *e = &n->errors;
    if (e->rows == 0) {
        return;
    }
    bool star = n->desc.shape.method == RING_METHOD_STAR;
    printf("%u rows, largest differences: output %.1e, log-sum-exp %.1e from %s in double", e->rows, e->out,
           e->lse, star ? "star's own definition" : "full attention");
    if (n->single_ms > 0.0) {
        printf(", %s%.1e from one device", star ? "the query's tokens " : "", e->single);
    }
    printf(". %s.\n", ring_study_right(n) ? "RIGHT" : "WRONG");
    if (star) {
        printf("Phase 1 approximates by definition: up to %.2g from full attention in those rows.\n",
               e->approximation);
    }
}

void ring_report_text(const ring_study *n) {
    print_head(n);
    print_ranks(n);
    print_times(n);
    print_errors(n);
}

/* ---- JSON ---- */

static void add_spans(json_lines *j, const ring_outcome *o) {
    static const char *const kinds[RING_SPAN_KINDS] = {"compute", "transfer"};
    json_open(j, "spans", '[');
    for (uint32_t i = 0; i < o->span_count; i++) {
        json_open(j, NULL, '{');
        json_text(j, "kind", kinds[o->spans[i].kind]);
        json_number(j, "step", o->spans[i].step);
        json_number(j, "begin_ms", o->spans[i].begin);
        json_number(j, "end_ms", o->spans[i].end);
        json_close(j, '}');
    }
    json_close(j, ']');
}

static void add_ranks(json_lines *j, const ring_study *n) {
    json_open(j, "per_rank", '[');
    for (uint32_t r = 0; r < n->desc.shape.ranks; r++) {
        const ring_outcome *o = &n->ranks[r];
        json_open(j, NULL, '{');
        json_text(j, "device", o->device);
        json_number(j, "ms", o->total_ms);
        json_number(j, "compute_ms", o->compute_ms);
        json_number(j, "transfer_ms", o->transfer_ms);
        json_number(j, "bytes_sent", (double)o->bytes_sent);
        json_number(j, "pairs", (double)o->pairs);
        add_spans(j, o);
        json_close(j, '}');
    }
    json_close(j, ']');
}

static void add_shape(json_lines *j, const ring_study *n) {
    const ring_shape *s = &n->desc.shape;
    json_text(j, "method", ring_method_name(s->method));
    json_text(j, "placement", s->method == RING_METHOD_RING ? ring_placement_name(s->placement) : NULL);
    json_bool(j, "causal", s->causal || s->method == RING_METHOD_STAR);
    json_bool(j, "overlap", n->desc.overlap);
    json_bool(j, "one_process", n->one_process);
    json_number(j, "ranks", s->ranks);
    json_number(j, "tokens", s->tokens);
    json_number(j, "query", s->method == RING_METHOD_STAR ? s->query : 0);
    json_number(j, "heads", s->heads);
    json_number(j, "kv_heads", s->kv_heads);
    json_number(j, "dim", s->dim);
    json_number(j, "repeat", n->desc.repeat);
}

static void add_errors(json_lines *j, const ring_study *n) {
    const ring_errors *e = &n->errors;
    json_number(j, "rows", e->rows);
    json_number(j, "max_error", e->out);
    json_number(j, "max_lse_error", e->lse);
    json_number(j, "max_single_error", e->single);
    json_number(j, "approximation", e->approximation);
    json_bool(j, "right", ring_study_right(n));
}

void ring_report_json(const ring_study *n) {
    json_lines j = {0};
    json_open(&j, NULL, '{');
    add_shape(&j, n);
    json_number(&j, "ms", n->total_ms);
    json_number(&j, "ms_min", n->least_ms);
    json_number(&j, "ms_max", n->most_ms);
    json_number(&j, "bytes_sent", (double)ring_study_bytes(n));
    json_number(&j, "hop_ms", n->link_ms);
    json_number(&j, "single_ms", n->single_ms);
    json_number(&j, "efficiency", ring_study_efficiency(n));
    json_number(&j, "predicted_ms", n->predicted_ms);
    add_errors(&j, n);
    add_ranks(&j, n);
    json_close(&j, '}');
}
