/* SPDX-License-Identifier: MIT */
#include "text.h"

#include <math.h>
#include <stdlib.h>

#include "complain.h"

#define QUERY_NOISE    0.3f
#define QUESTION_TOPIC 0.1f
#define QUESTION_CODE  4.0f /* a dim: a code has length 16 */
#define NEEDLE_CODE    2.5f /* a dim: length 10 */
#define VALUE_TOPIC    0.5f

/* What a random number is for: each purpose has numbers of its own. */
typedef enum stream { TOPIC, TOPIC_VALUE, SECTION, QUERY, KEY, WORD, BOOK, ANSWER } stream;

/* Sebastiano Vigna's splitmix64, of a counter: any number of any stream without those before. */
static uint64_t random_bits(uint32_t seed, stream s, uint64_t index) {
    uint64_t x = (index * 8 + (uint64_t)s) * 0x9e3779b97f4a7c15u + (uint64_t)seed * 0xd1342543de82ef95u;
    for (int round = 0; round < 2; round++) {
        x += 0x9e3779b97f4a7c15u;
        x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
        x = (x ^ x >> 27) * 0x94d049bb133111ebu;
        x ^= x >> 31;
    }
    return x;
}

/* About normal, mean 0 and variance 1: four numbers of 16 bits added up. No function of libm, so the same everywhere. */
static float random_normal(uint32_t seed, stream s, uint64_t index) {
    uint64_t x = random_bits(seed, s, index);
    uint32_t sum = (uint32_t)((x & 0xffff) + (x >> 16 & 0xffff) + (x >> 32 & 0xffff) + (x >> 48));
    return ((float)sum - 131070.0f) * (1.7320508f / 65536.0f);
}

/* ---- One token ---- */

typedef struct passage {
    uint32_t from, to; /* topics */
    float old, new;    /* how much of each; squares sum up to 1 */
} passage;

static passage passage_of(uint32_t seed, uint64_t token) {
    uint64_t section = token / TEXT_SECTION;
    float share = (float)(token % TEXT_SECTION) / (float)TEXT_SECTION;
    return (passage){(uint32_t)(random_bits(seed, SECTION, section) % TEXT_TOPICS),
                     (uint32_t)(random_bits(seed, SECTION, section + 1) % TEXT_TOPICS), sqrtf(1.0f - share),
                     sqrtf(share)};
}

static float topic_of(uint32_t seed, stream s, const passage *p, uint64_t d) {
    return p->old * random_normal(seed, s, p->from * TEXT_DIM + d) +
           p->new *random_normal(seed, s, p->to * TEXT_DIM + d);
}

/* Rows of a Hadamard matrix: codes of different needles are at right angles. */
static float code_of(uint64_t needle, uint64_t d) {
    uint64_t both = needle & d;
    both ^= both >> 2;
    both ^= both >> 1;
    return both & 1 ? -1.0f : 1.0f;
}

static void write_token(text *t, uint64_t token) {
    const uint32_t seed = t->desc.seed;
    const uint64_t at = token * TEXT_DIM;
    const float *word = t->book + random_bits(seed, WORD, token) % TEXT_WORDS * TEXT_DIM;
    const passage p = passage_of(seed, token);
    for (uint64_t d = 0; d < TEXT_DIM; d++) {
        float topic = d < TEXT_TOPIC_DIMS ? topic_of(seed, TOPIC, &p, d) : 0.0f;
        t->q[at + d] = topic + QUERY_NOISE * random_normal(seed, QUERY, at + d);
        t->k[at + d] = topic + random_normal(seed, KEY, at + d);
        t->v[at + d] = VALUE_TOPIC * topic_of(seed, TOPIC_VALUE, &p, d) + word[d];
    }
}

/* ---- Needles and questions, over what the text has there ---- */

static void write_needle(text *t, uint32_t n) {
    const text_needle *needle = &t->needle[n];
    for (uint64_t token = needle->first; token < needle->first + t->desc.needle_tokens; token++) {
        float *key = t->k + token * TEXT_DIM + TEXT_TOPIC_DIMS;
        for (uint64_t d = 0; d < TEXT_CODE_DIMS; d++) {
            key[d] += NEEDLE_CODE * code_of(n, d);
        }
        for (uint64_t d = 0; d < TEXT_DIM; d++) {
            t->v[token * TEXT_DIM + d] = t->book[needle->word * TEXT_DIM + d];
        }
    }
}

static void write_question(text *t, uint32_t n) {
    uint64_t first = t->needle[n].question;
    for (uint64_t token = first; token < first + t->desc.question_tokens; token++) {
        const passage p = passage_of(t->desc.seed, token);
        for (uint64_t d = 0; d < TEXT_DIM; d++) {
            float code = d < TEXT_TOPIC_DIMS ? QUESTION_TOPIC * topic_of(t->desc.seed, TOPIC, &p, d)
                                             : QUESTION_CODE * code_of(n, d - TEXT_TOPIC_DIMS);
            t->q[token * TEXT_DIM + d] =
                code + QUERY_NOISE * random_normal(t->desc.seed, QUERY, token * TEXT_DIM + d);
        }
    }
}

uint64_t text_questions(const text_desc *desc) {
    return (uint64_t)TEXT_NEEDLES * desc->question_tokens;
}

uint64_t text_least(const text_desc *desc) {
    return text_questions(desc) + 20ull * desc->needle_tokens;
}

/* Needles begin at multiples of their length, so that blocks that are multiples too do not cut them. */
static void place(text *t) {
    const text_desc *desc = &t->desc;
    uint64_t before = desc->tokens - text_questions(desc);
    for (uint32_t n = 0; n < TEXT_NEEDLES; n++) {
        uint64_t first = (before - desc->needle_tokens) * n / (TEXT_NEEDLES - 1);
        t->needle[n] =
            (text_needle){.depth = (double)n / (TEXT_NEEDLES - 1),
                          .first = first - first % desc->needle_tokens,
                          .question = before + (uint64_t)n * desc->question_tokens,
                          .word = (uint32_t)((random_bits(desc->seed, ANSWER, 0) + 23 * n) % TEXT_WORDS)};
        write_needle(t, n);
        write_question(t, n);
    }
}

void text_cut(text *t, uint64_t tokens) {
    for (uint32_t n = 0; n < TEXT_NEEDLES; n++) {
        for (uint64_t i = 0; i < t->desc.needle_tokens; i++) {
            write_token(t, t->needle[n].first + i);
        }
        for (uint64_t i = 0; i < t->desc.question_tokens; i++) {
            write_token(t, t->needle[n].question + i);
        }
    }
    t->desc.tokens = tokens;
    place(t);
}

/* ---- The whole ---- */

bool text_create(text *out, const text_desc *desc) {
    uint64_t values = desc->tokens * TEXT_DIM;
    *out = (text){.desc = *desc};
    out->q = malloc((size_t)values * sizeof(float));
    out->k = malloc((size_t)values * sizeof(float));
    out->v = malloc((size_t)values * sizeof(float));
    out->book = malloc((size_t)TEXT_WORDS * TEXT_DIM * sizeof(float));
    if (!out->q || !out->k || !out->v || !out->book) {
        text_destroy(out);
        return complain("out of memory for a text of %llu tokens", (unsigned long long)desc->tokens);
    }
    for (uint64_t i = 0; i < (uint64_t)TEXT_WORDS * TEXT_DIM; i++) {
        out->book[i] = random_bits(desc->seed, BOOK, i) & 1 ? 1.0f : -1.0f;
    }
    for (uint64_t token = 0; token < desc->tokens; token++) {
        write_token(out, token);
    }
    place(out);
    return true;
}

void text_destroy(text *t) {
    free(t->q);
    free(t->k);
    free(t->v);
    free(t->book);
    *t = (text){0};
}

uint32_t text_read_word(const text *t, const float *row, uint32_t asked, double *out_cosine) {
    double squares = 0.0, best = -INFINITY;
    uint32_t found = 0;
    for (uint32_t d = 0; d < TEXT_DIM; d++) {
        squares += (double)row[d] * (double)row[d];
    }
    for (uint32_t w = 0; w < TEXT_WORDS; w++) {
        double product = 0.0;
        for (uint32_t d = 0; d < TEXT_DIM; d++) {
            product += (double)row[d] * (double)t->book[w * TEXT_DIM + d];
        }
        if (product > best) {
            best = product;
            found = w;
        }
        if (w == asked) {
            *out_cosine = squares > 0.0 ? product / sqrt(squares * TEXT_DIM) : 0.0;
        }
    }
    return found;
}
