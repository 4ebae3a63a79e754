/* SPDX-License-Identifier: MIT
 *
 * The kernels with tiles as an audit asks for them: problems that have all that a kernel may be asked for, so that what the
 * driver compiles is the largest of it. A new kind of attention kernel is a new row of the table.
 */
#ifndef TOOLS_AUDIT_RULES_H
#define TOOLS_AUDIT_RULES_H

#include <vatten/vatten.h>

#include <stdbool.h>
#include <stddef.h>

typedef struct audit_rule audit_rule;

/* Rule `index`, NULL past the last one. */
const audit_rule *audit_rule_at(size_t index);

/* "causal": the column `problem`. */
const char *audit_rule_name(const audit_rule *rule);

/* Whether there is such a kernel in the manifest. */
bool audit_rule_takes(const audit_rule *rule, vatten_layout layout, vatten_dtype dtype);

/* "attention_dense_f32_subgroup_full", before there is a plan to ask. */
void audit_rule_kernel(const audit_rule *rule, vatten_layout layout, vatten_dtype dtype, char *out,
                       size_t out_size);

typedef struct audit_heads {
    vatten_dtype dtype;
    uint32_t dim, value_dim;
    vatten_tile tile;
} audit_heads;

vatten_result audit_rule_create(vatten_device *device, const audit_rule *rule, const audit_heads *heads,
                                vatten_plan **out);

#endif /* TOOLS_AUDIT_RULES_H */
