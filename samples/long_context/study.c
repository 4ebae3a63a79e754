/* SPDX-License-Identifier: MIT */
#include "study.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "complain.h"

#define MOST_SECONDS 20.0 /* of the timed runs of a method */
#define LIKE         0.5  /* cosine from which on a row says a word: others are like some word by chance */
#define DENSE_PARTS  32   /* of the text, of each of which dense attention may be asked for some rows only */

/* What lives while it runs. */
typedef struct work {
    text text;
    rig rig;
    float *dense, *out; /* [tokens][TEXT_DIM]: of dense attention, and of the method at hand */
    uint64_t check[STUDY_MOST_CHECKS + TEXT_NEEDLES];
    uint32_t check_count;
} work;

/* ---- Rows ---- */

/* All rows; or the questions, and the last rows of each part of what stands before. */
static void choose_rows(study *s) {
    uint64_t tokens = s->desc.text.tokens, before = tokens - text_questions(&s->desc.text);
    uint64_t rows = tokens / DENSE_PARTS / 32 + 32;
    for (uint32_t i = 0; i < DENSE_PARTS && s->desc.dense_rows; i++) {
        uint64_t end = before * (i + 1) / DENSE_PARTS;
        s->asked[s->asked_count++] = (row_range){end - rows, end};
    }
    s->asked[s->asked_count++] = (row_range){s->desc.dense_rows ? before : 0, tokens};
    for (uint32_t i = 0; i < s->asked_count; i++) {
        s->compared_rows += s->asked[i].end - s->asked[i].first;
    }
}

/* Row number `at` of those that are asked. */
static uint64_t asked_row(const study *s, uint64_t at) {
    uint32_t i = 0;
    for (; at >= s->asked[i].end - s->asked[i].first; i++) {
        at -= s->asked[i].end - s->asked[i].first;
    }
    return s->asked[i].first + at;
}

static void choose_checks(const study *s, work *w) {
    for (uint32_t i = 0; i < s->desc.checks; i++) {
        w->check[w->check_count++] = asked_row(s, s->compared_rows * (2 * i + 1) / (2ull * s->desc.checks));
    }
    for (uint32_t n = 0; n < TEXT_NEEDLES; n++) {
        w->check[w->check_count++] = w->text.needle[n].question;
    }
}

/* ---- What came out ---- */

/* `out` holds rows from `first` on. */
static study_answer read_answer(const text *t, uint32_t needle, const float *out, uint64_t first) {
    study_answer answer = {0};
    const text_needle *n = &t->needle[needle];
    for (uint64_t i = 0; i < t->desc.question_tokens; i++) {
        double cosine = 0.0;
        uint32_t word = text_read_word(t, out + (n->question - first + i) * TEXT_DIM, n->word, &cosine);
        answer.right += word == n->word && cosine >= LIKE;
        answer.cosine += cosine / t->desc.question_tokens;
    }
    answer.found = 2 * answer.right > t->desc.question_tokens;
    return answer;
}

static void compare(const study *s, const work *w, study_method *m) {
    double squares = 0.0, wrong = 0.0;
    for (uint32_t i = 0; i < s->asked_count; i++) {
        for (uint64_t at = s->asked[i].first * TEXT_DIM; at < s->asked[i].end * TEXT_DIM; at++) {
            double difference = (double)w->out[at] - (double)w->dense[at];
            squares += (double)w->dense[at] * (double)w->dense[at];
            wrong += difference * difference;
            m->max_error = fmax(m->max_error, fabs(difference));
        }
    }
    m->nmse = squares > 0.0 ? wrong / squares : 0.0;
}

static void check_rows(study *s, const work *w, method m, const float *out) {
    row_range keys[STUDY_MOST_TOP + 2];
    uint32_t top = method_top(&s->desc.rules, s->desc.text.tokens);
    double *worst = &s->method[m].check;
    for (uint32_t i = 0; i < w->check_count; i++) {
        uint64_t row = w->check[i];
        uint32_t count = exact_keys(&s->desc.rules, m, s->desc.text.tokens, s->lists + row * top, row, keys);
        double error = exact_error(&w->text, keys, count, row, out + row * TEXT_DIM);
        *worst = error <= *worst ? *worst : error;
    }
}

static bool run_method(study *s, work *w, method m) {
    study_method *result = &s->method[m];
    float *out = m == METHOD_DENSE ? w->dense : w->out;
    bool done = m == METHOD_DENSE ? rig_run_dense(&w->rig, s->asked, s->asked_count, &result->cost)
                                  : rig_run(&w->rig, m, 0, false, &result->cost);
    if (!done || !rig_read(&w->rig, 0, s->desc.text.tokens, out)) {
        return false;
    }
    for (uint32_t n = 0; n < TEXT_NEEDLES; n++) {
        result->answer[n] = read_answer(&w->text, n, out, 0);
        result->found += result->answer[n].found;
    }
    if (m != METHOD_DENSE) {
        compare(s, w, result);
    }
    check_rows(s, w, m, out);
    return true;
}

/* ---- Blocks ---- */

static bool contains(const uint32_t *list, uint32_t top, uint64_t block) {
    bool found = false;
    for (uint32_t i = 0; i < top; i++) {
        found = found || list[i] == block;
    }
    return found;
}

static bool pick_blocks(study *s, work *w) {
    uint32_t top = method_top(&s->desc.rules, s->desc.text.tokens);
    s->lists = malloc((size_t)s->desc.text.tokens * top * sizeof(*s->lists));
    if (!s->lists) {
        return complain("out of memory for the lists");
    }
    if (!rig_pick(&w->rig, 0, s->lists, &s->choosing_ms)) {
        return false;
    }
    for (uint32_t n = 0; n < TEXT_NEEDLES; n++) {
        const text_needle *needle = &w->text.needle[n];
        const uint32_t *list = s->lists + needle->question * top;
        study_pick *pick = &s->pick[n];
        pick->token = needle->first;
        pick->question = needle->question;
        pick->block = needle->first / s->desc.rules.block;
        memcpy(pick->first, list, top * sizeof(*list));
        for (uint64_t i = 0; i < s->desc.text.question_tokens; i++) {
            pick->hits += contains(list + i * top, top, pick->block);
        }
    }
    s->list_fault = exact_list_fault(&w->text, &s->desc.rules, s->lists, w->check, w->check_count);
    return true;
}

/* ---- Other lengths ---- */

static void choose_lengths(study *s) {
    uint64_t tokens = s->desc.text.tokens, most = 2 * text_least(&s->desc.text);
    for (uint64_t part = 16; part; part /= 2) {
        uint64_t some[2] = {tokens / part, part > 1 ? tokens * 3 / (2 * part) : 0};
        for (int i = 0; i < 2; i++) {
            if (some[i] >= most) {
                s->length[s->length_count++] = some[i];
            }
        }
    }
}

/* Only the questions are asked; there are few queries, whatever the length. */
static bool run_length(study *s, work *w, uint32_t l) {
    uint64_t first = s->length[l] - text_questions(&s->desc.text);
    text_cut(&w->text, s->length[l]);
    if (!rig_load(&w->rig, &w->text)) {
        return false;
    }
    for (method m = 0; m < METHODS; m++) {
        method_cost unused;
        if (!rig_run(&w->rig, m, first, true, &unused) ||
            !rig_read(&w->rig, first, s->length[l] - first, w->out)) {
            return false;
        }
        for (uint32_t n = 0; n < TEXT_NEEDLES; n++) {
            study_answer answer = read_answer(&w->text, n, w->out, first);
            s->cosine[m][l][n] = answer.cosine;
            s->found[m][l][n] = answer.found;
        }
    }
    return true;
}

static bool run_lengths(study *s, work *w) {
    progress steps = progress_begin("text", s->desc.quiet);
    bool going = true;
    choose_lengths(s);
    for (uint32_t l = 0; l < s->length_count && going; l++) {
        progress_say(&steps, l, s->length_count);
        going = run_length(s, w, l);
    }
    progress_clear(&steps);
    return going;
}

/* ---- All of it ---- */

static bool prepare(study *s, work *w) {
    uint64_t tokens = s->desc.text.tokens;
    w->rig = (rig){.rules = s->desc.rules, .repeat = s->desc.repeat, .seconds = MOST_SECONDS};
    if (!text_create(&w->text, &s->desc.text)) {
        return false;
    }
    w->dense = calloc((size_t)tokens * TEXT_DIM, sizeof(float));
    w->out = calloc((size_t)tokens * TEXT_DIM, sizeof(float));
    if (!w->dense || !w->out) {
        return complain("out of memory for the outputs of %llu tokens", (unsigned long long)tokens);
    }
    if (!rig_open(&w->rig, s->desc.device, tokens, s->desc.quiet) || !rig_load(&w->rig, &w->text)) {
        return false;
    }
    memcpy(s->device, w->rig.device, sizeof(s->device));
    choose_rows(s);
    choose_checks(s, w);
    s->checked_rows = w->check_count;
    return true;
}

bool study_run(const study_desc *desc, study *out) {
    work w = {0};
    *out = (study){.desc = *desc};
    bool done = prepare(out, &w) && pick_blocks(out, &w);
    for (method m = 0; m < METHODS && done; m++) {
        done = run_method(out, &w, m);
    }
    done = done && (!desc->lengths || run_lengths(out, &w));
    rig_close(&w.rig);
    free(w.out);
    free(w.dense);
    text_destroy(&w.text);
    return done;
}

void study_destroy(study *s) {
    free(s->lists);
    s->lists = NULL;
}

double study_tolerance(const study *s, method m) {
    const method_rules *r = &s->desc.rules;
    const double keys[METHODS] = {[METHOD_DENSE] = (double)s->desc.text.tokens,
                                  [METHOD_MOBA] = (double)r->top * r->block,
                                  [METHOD_STREAMING] = (double)r->sink + r->window};
    return 2e-5 + 3e-8 * keys[m];
}

bool study_passed(const study *s) {
    bool passed = s->list_fault == NULL;
    for (method m = 0; m < METHODS; m++) {
        passed = passed && s->method[m].check <= study_tolerance(s, m);
    }
    return passed;
}
