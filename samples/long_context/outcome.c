/* SPDX-License-Identifier: MIT */
#include "outcome.h"

#include <math.h>
#include <stdio.h>

#include "json_lines.h"

static double speed_up(const study *s, method m) {
    return s->method[METHOD_DENSE].cost.ms / s->method[m].cost.ms;
}

static unsigned percent(uint32_t needle) {
    return needle * 100 / (TEXT_NEEDLES - 1);
}

/* ---- Text ---- */

static void print_head(const study *s) {
    const text_desc *t = &s->desc.text;
    const method_rules *r = &s->desc.rules;
    printf("device    %s\n", s->device);
    printf(
        "text      %llu tokens, 1 head of %d; %d needles of %u tokens, %u questions about each at the end\n",
        (unsigned long long)t->tokens, TEXT_DIM, TEXT_NEEDLES, t->needle_tokens, t->question_tokens);
    printf("MoBA      %u of %llu blocks of %u keys for each query; pooling and selection by themselves %.1f "
           "ms\n",
           method_top(r, t->tokens), (unsigned long long)method_blocks(r, t->tokens), r->block,
           s->choosing_ms);
    printf("streaming the first %u keys and the last %u\n\n", r->sink, r->window);
}

static void print_method(const study *s, method m) {
    const study_method *r = &s->method[m];
    printf("%-10s %s%11.1f %9.2f %10.1f %8u of %d", method_name(m), r->cost.estimated ? "~" : " ", r->cost.ms,
           speed_up(s, m), (double)r->cost.workspace_bytes / 1048576.0, r->found, TEXT_NEEDLES);
    if (m == METHOD_DENSE) {
        printf("%23s", "");
    } else {
        printf(" %11.2e %10.3f", r->nmse, r->max_error);
    }
    printf(" %10.1e\n", r->check);
}

static void print_methods(const study *s) {
    printf("method               ms  speed-up  workspace      needles      error against dense      check\n");
    printf("                                         MB        found        NMSE        max            \n");
    for (method m = 0; m < METHODS; m++) {
        print_method(s, m);
    }
    if (s->method[METHOD_DENSE].cost.estimated) {
        printf("~ from %llu rows, by their share of the pairs; errors are of those rows\n",
               (unsigned long long)s->compared_rows);
    }
}

static void print_needles(const study *s) {
    uint32_t top = method_top(&s->desc.rules, s->desc.text.tokens);
    printf("\nneedle at  block  cosine of output and answer    picked by  blocks of the first question\n");
    printf("                  dense    MoBA  streaming\n");
    for (uint32_t n = 0; n < TEXT_NEEDLES; n++) {
        const study_pick *pick = &s->pick[n];
        printf("%7u %% %6llu", percent(n), (unsigned long long)pick->block);
        for (method m = 0; m < METHODS; m++) {
            const study_answer *a = &s->method[m].answer[n];
            printf("  %6.3f%c", a->cosine, a->found ? '*' : ' ');
        }
        printf("    %5u/%-5u", pick->hits, s->desc.text.question_tokens);
        for (uint32_t i = 0; i < top && pick->first[i] != VATTEN_LIST_END; i++) {
            printf(" %u", pick->first[i]);
        }
        printf("\n");
    }
    printf("* found: most questions read the answer\n\n");
}

void outcome_text(const study *s, const char *map_png, const char *chart_png) {
    print_head(s);
    print_methods(s);
    print_needles(s);
    printf("check     %s: %llu rows of each method and their lists against double; allowed %.1e, of dense "
           "%.1e%s%s\n",
           study_passed(s) ? "passed" : "FAILED", (unsigned long long)s->checked_rows,
           fmax(study_tolerance(s, METHOD_MOBA), study_tolerance(s, METHOD_STREAMING)),
           study_tolerance(s, METHOD_DENSE), s->list_fault ? "; " : "", s->list_fault ? s->list_fault : "");
    if (map_png || chart_png) {
        printf("written   %s%s%s\n", map_png ? map_png : "", map_png && chart_png ? ", " : "",
               chart_png ? chart_png : "");
    }
}

/* ---- JSON ---- */

static void json_method(json_lines *j, const study *s, method m) {
    const study_method *r = &s->method[m];
    json_open(j, method_name(m), '{');
    json_text(j, "kernel", r->cost.kernel);
    json_number(j, "ms", r->cost.ms);
    json_bool(j, "estimated", r->cost.estimated);
    json_number(j, "runs", r->cost.runs);
    json_number(j, "speed_up", speed_up(s, m));
    json_number(j, "workspace_bytes", (double)r->cost.workspace_bytes);
    json_number(j, "nmse", r->nmse);
    json_number(j, "max_error", r->max_error);
    json_number(j, "check_max", r->check);
    json_number(j, "check_allowed", study_tolerance(s, m));
    json_number(j, "found", r->found);
    json_close(j, '}');
}

static void json_needle(json_lines *j, const study *s, uint32_t n) {
    const study_pick *pick = &s->pick[n];
    json_open(j, NULL, '{');
    json_number(j, "depth", percent(n));
    json_number(j, "first", (double)pick->token);
    json_number(j, "question", (double)pick->question);
    json_number(j, "block", (double)pick->block);
    json_number(j, "picked_by", pick->hits);
    json_open(j, "picked", '[');
    for (uint32_t i = 0;
         i < method_top(&s->desc.rules, s->desc.text.tokens) && pick->first[i] != VATTEN_LIST_END; i++) {
        json_number(j, NULL, pick->first[i]);
    }
    json_close(j, ']');
    for (method m = 0; m < METHODS; m++) {
        const study_answer *a = &s->method[m].answer[n];
        json_open(j, method_name(m), '{');
        json_number(j, "cosine", a->cosine);
        json_number(j, "right", a->right);
        json_bool(j, "found", a->found);
        json_close(j, '}');
    }
    json_close(j, '}');
}

static void json_length(json_lines *j, const study *s, uint32_t l) {
    json_open(j, NULL, '{');
    json_number(j, "tokens", (double)s->length[l]);
    for (method m = 0; m < METHODS; m++) {
        json_open(j, method_name(m), '[');
        for (uint32_t n = 0; n < TEXT_NEEDLES; n++) {
            json_bool(j, NULL, s->found[m][l][n]);
        }
        json_close(j, ']');
    }
    json_close(j, '}');
}

static void json_settings(json_lines *j, const study *s) {
    const study_desc *d = &s->desc;
    json_text(j, "device", s->device);
    json_number(j, "tokens", (double)d->text.tokens);
    json_number(j, "dim", TEXT_DIM);
    json_number(j, "seed", d->text.seed);
    json_number(j, "needle_tokens", d->text.needle_tokens);
    json_number(j, "question_tokens", d->text.question_tokens);
    json_number(j, "block", d->rules.block);
    json_number(j, "blocks", (double)method_blocks(&d->rules, d->text.tokens));
    json_number(j, "top", method_top(&d->rules, d->text.tokens));
    json_number(j, "sink", d->rules.sink);
    json_number(j, "window", d->rules.window);
}

void outcome_json(const study *s, const char *map_png, const char *chart_png) {
    json_lines j = {0};
    json_open(&j, NULL, '{');
    json_settings(&j, s);
    json_number(&j, "choosing_ms", s->choosing_ms);
    json_number(&j, "compared_rows", (double)s->compared_rows);
    json_number(&j, "checked_rows", (double)s->checked_rows);
    json_text(&j, "list_fault", s->list_fault);
    json_bool(&j, "check_passed", study_passed(s));
    json_open(&j, "methods", '{');
    for (method m = 0; m < METHODS; m++) {
        json_method(&j, s, m);
    }
    json_close(&j, '}');
    json_open(&j, "needles", '[');
    for (uint32_t n = 0; n < TEXT_NEEDLES; n++) {
        json_needle(&j, s, n);
    }
    json_close(&j, ']');
    json_open(&j, "lengths", '[');
    for (uint32_t l = 0; l < s->length_count; l++) {
        json_length(&j, s, l);
    }
    json_close(&j, ']');
    json_text(&j, "map_png", map_png);
    json_text(&j, "chart_png", chart_png);
    json_close(&j, '}');
}
