/* SPDX-License-Identifier: MIT
 *
 * A text made of numbers: what one head of a trained model might hold, queries, keys and values of each token, and in it
 * needles and the questions about them. The same on every machine, for each token by itself.
 *
 * Of the dims of queries and keys the first TEXT_TOPIC_DIMS carry what a passage is about, the rest what a fact is called.
 *   topic     drifts from one of TEXT_TOPICS vectors to the next, and comes back to earlier ones, as chapters do
 *   key       topic + noise
 *   query     topic + a little noise: a token looks for passages about its own topic
 *   value     half of the topic's value + a word of a book of TEXT_WORDS
 *   needle    some tokens in a row whose keys carry a code besides, and whose values all say one word: the answer
 *   question  tokens at the end of the text whose queries carry the code of one needle, and next to no topic
 */
#ifndef LONG_CONTEXT_TEXT_H
#define LONG_CONTEXT_TEXT_H

#include <stdbool.h>
#include <stdint.h>

enum {
    TEXT_DIM = 64,
    TEXT_TOPIC_DIMS = 48,
    TEXT_CODE_DIMS = TEXT_DIM - TEXT_TOPIC_DIMS,
    TEXT_NEEDLES = 11, /* at depths of 0, 10, ... 100 % */
    TEXT_TOPICS = 24,
    TEXT_SECTION = 2048, /* tokens from one topic to the next */
    TEXT_WORDS = 256
};

typedef struct text_desc {
    uint64_t tokens;
    uint32_t needle_tokens;
    uint32_t question_tokens; /* of each needle */
    uint32_t seed;
} text_desc;

typedef struct text_needle {
    double depth;      /* 0..1 of what stands before the questions */
    uint64_t first;    /* token */
    uint64_t question; /* first token of the questions about it */
    uint32_t word;     /* the answer */
} text_needle;

typedef struct text {
    text_desc desc;
    text_needle needle[TEXT_NEEDLES];
    float *q, *k, *v; /* [tokens][TEXT_DIM] */
    float *book;      /* [TEXT_WORDS][TEXT_DIM] */
} text;

/* The least tokens that a text can have. */
uint64_t text_least(const text_desc *desc);

/* Questions of all needles together. */
uint64_t text_questions(const text_desc *desc);

/* False when memory is short, after a message. */
bool text_create(text *out, const text_desc *desc);
void text_destroy(text *t);

/* The text cut to its first `tokens` (at most those that it was made with), with needles and questions moved to where they
 * belong in a text of that length. */
void text_cut(text *t, uint64_t tokens);

/* The word of the book that a row of values is most like, by cosine. `out_cosine` gets that of `asked`. */
uint32_t text_read_word(const text *t, const float *row, uint32_t asked, double *out_cosine);

#endif
