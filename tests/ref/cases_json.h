/* SPDX-License-Identifier: MIT
 *
 * What the files of the reader share: small helpers over cJSON, and the part that makes lists.
 */
#ifndef VATTEN_CASES_JSON_H
#define VATTEN_CASES_JSON_H

#include "cases.h"

#include <cjson/cJSON.h>

uint64_t cases_get_u64(const cJSON *object, const char *name, uint64_t fallback);
double cases_get_number(const cJSON *object, const char *name, double fallback);
const char *cases_get_text(const cJSON *object, const char *name); /* "" if there is none */
bool cases_get_bool(const cJSON *object, const char *name);
uint64_t cases_get_item(const cJSON *array, uint64_t n); /* a number of a list */
uint64_t cases_count(const cJSON *array);

/* Number i of a case's random stream t, all 64 bits. */
uint64_t cases_bits(const cases_case *item, uint64_t t, uint64_t i);

/* params.causal: "none", "bottom_right" or "top_left". */
bool cases_read_causal(const cJSON *params, cases_case *out);

/* A case of dense attention: fills out->dense, out->beyond_dense and the lengths. False, and told, if it cannot be read. */
bool cases_read_dense(const char *op, const cJSON *params, cases_case *out);

/* A case of an operator that goes by lists: fills out->lists, or out->beyond. False, and told, if it cannot be read. */
bool cases_read_lists(const char *op, const cJSON *params, cases_case *out);

/* A case of an operator that selects blocks: fills out->selection. False, and told, if it cannot be read. */
bool cases_read_selection(const char *op, const cJSON *params, cases_case *out);

/* Whether `params` holds these names only (NULL-terminated), so that no rule of a case is ever ignored. */
bool cases_names_only(const cJSON *params, const char *const *names, const cases_case *item);

/* A rule in words must be the one that is built here. */
bool cases_says(const cJSON *params, const char *name, const char *text, const cases_case *item);

/* Makes it a case of CASES_LATER, for want of `what`. */
bool cases_later(cases_case *out, const char *what);

/* A case whose rule is told in words. */
bool cases_read_predicate(const cJSON *params, cases_case *out);

#endif /* VATTEN_CASES_JSON_H */
