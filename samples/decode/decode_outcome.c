/* SPDX-License-Identifier: MIT */
#include "decode_outcome.h"

#include <stdio.h>

#include "decode_exact.h"
#include "json_lines.h"
#include "storage.h"

static double per_second(double amount, const study_point *p) {
    return amount / (p->step_ms * 1e6); /* GFLOP/s, GB/s */
}

/* Of all entries and rows of a step. */
static double token_ms(const study *s, double step_ms) {
    return step_ms / s->desc.layer.rows / s->desc.layer.tokens.batch;
}

static uint32_t checked(const study *s) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < s->desc.length_count; i++) {
        count += s->point[i].checked;
    }
    return count;
}

/* ---- Text ---- */

static void print_head(const study *s) {
    const layer_desc *l = &s->desc.layer;
    const token_desc *t = &l->tokens;
    printf("device    %s\n", s->device);
    printf("layer     %u query heads on %u KV heads, dim %u, %s; ", t->heads, t->kv_heads, t->dim,
           storage_name(t->dtype));
    if (t->window) {
        printf("a window of %llu tokens\n", (unsigned long long)t->window);
    } else {
        printf("all tokens so far\n");
    }
    printf("cache     %llu pages of %u tokens, shuffled, %.1f MB; %u %s\n", (unsigned long long)s->pool_pages,
           l->page, (double)(s->pool_pages * s->page_bytes) / 1e6, t->batch,
           t->batch > 1 ? "entries of different lengths" : "entry");
    printf("step      %u new %s of each entry; one command buffer, recorded once\n", l->rows,
           l->rows > 1 ? "tokens, causal among them," : "token");
    printf("plan      %s, tile %u x %u, %u heads share a tile, %u splits of the keys, %u dispatches\n\n",
           s->info.kernel, s->info.tile.rows, s->info.tile.keys, s->info.tile_heads, s->info.splits,
           s->info.dispatches);
}

static void print_points(const study *s) {
    printf("   cache     ms per token  tokens/s   append     wall  K and V read          \n");
    printf("  tokens  median    least                ms  step ms  MB per token     GB/s  GFLOP/s    check\n");
    for (uint32_t i = 0; i < s->desc.length_count; i++) {
        const study_point *p = &s->point[i];
        printf("%8llu %7.3f %8.3f %9.1f %8.3f %8.3f %13.2f %8.2f %8.1f", (unsigned long long)p->length,
               token_ms(s, p->step_ms), token_ms(s, p->least_ms), study_tokens_per_second(s, p), p->append_ms,
               p->wall_ms, token_ms(s, p->bytes / 1e6), per_second(p->bytes, p), per_second(p->flops, p));
        if (s->desc.check) {
            printf("  %.1e", p->worst);
        }
        printf("\n");
    }
}

void outcome_text(const study *s, const char *chart) {
    print_head(s);
    print_points(s);
    if (!s->clock) {
        printf("the queue has no clock: times are those of the wall\n");
    }
    if (s->desc.check) {
        printf("\ncheck     %s: %u tokens against double, allowed %.1e; pages of %llu tokens %s%s\n",
               study_passed(s) ? "passed" : "FAILED", checked(s), exact_tolerance(s->desc.layer.tokens.dtype),
               (unsigned long long)s->cached, s->fault ? "are wrong: " : "bit by bit",
               s->fault ? s->fault : "");
    }
    if (chart) {
        printf("written   %s\n", chart);
    }
}

/* ---- JSON ---- */

static void json_point(json_lines *j, const study *s, const study_point *p) {
    json_open(j, NULL, '{');
    json_number(j, "cache", (double)p->length);
    json_number(j, "step_ms", p->step_ms);
    json_number(j, "step_ms_min", p->least_ms);
    json_number(j, "token_ms", token_ms(s, p->step_ms));
    json_number(j, "token_ms_min", token_ms(s, p->least_ms));
    json_number(j, "append_ms", p->append_ms);
    json_number(j, "wall_ms", p->wall_ms);
    json_number(j, "tokens_per_second", study_tokens_per_second(s, p));
    json_number(j, "step_bytes", p->bytes);
    json_number(j, "token_bytes", token_ms(s, p->bytes));
    json_number(j, "gbs", per_second(p->bytes, p));
    json_number(j, "step_flops", p->flops);
    json_number(j, "gflops", per_second(p->flops, p));
    json_number(j, "checked_tokens", p->checked);
    json_number(j, "check_max", p->worst);
    json_close(j, '}');
}

static void json_settings(json_lines *j, const study *s) {
    const layer_desc *l = &s->desc.layer;
    const token_desc *t = &l->tokens;
    json_text(j, "device", s->device);
    json_text(j, "dtype", storage_name(t->dtype));
    json_number(j, "batch", t->batch);
    json_number(j, "heads", t->heads);
    json_number(j, "kv_heads", t->kv_heads);
    json_number(j, "dim", t->dim);
    json_number(j, "window", (double)t->window);
    json_number(j, "page", l->page);
    json_number(j, "pool_pages", (double)s->pool_pages);
    json_number(j, "rows", l->rows);
    json_number(j, "steps", s->desc.steps);
    json_number(j, "seed", t->seed);
}

void outcome_json(const study *s, const char *chart) {
    json_lines j = {0};
    json_open(&j, NULL, '{');
    json_settings(&j, s);
    json_open(&j, "plan", '{');
    json_text(&j, "kernel", s->info.kernel);
    json_number(&j, "tile_rows", s->info.tile.rows);
    json_number(&j, "tile_keys", s->info.tile.keys);
    json_number(&j, "tile_heads", s->info.tile_heads);
    json_number(&j, "splits", s->info.splits);
    json_number(&j, "dispatches", s->info.dispatches);
    json_number(&j, "workspace_bytes", (double)s->info.workspace_bytes);
    json_close(&j, '}');
    json_bool(&j, "device_clock", s->clock);
    json_open(&j, "lengths", '[');
    for (uint32_t i = 0; i < s->desc.length_count; i++) {
        json_point(&j, s, &s->point[i]);
    }
    json_close(&j, ']');
    json_bool(&j, "checked", s->desc.check);
    json_bool(&j, "check_passed", s->desc.check && study_passed(s));
    json_number(&j, "check_allowed", exact_tolerance(s->desc.layer.tokens.dtype));
    json_number(&j, "cached_tokens", (double)s->cached);
    json_text(&j, "pages_fault", s->fault);
    json_text(&j, "chart_png", chart);
    json_close(&j, '}');
}
