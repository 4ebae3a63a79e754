/* SPDX-License-Identifier: MIT
 *
 * The kernels without tiles as an audit asks for them: a plan that has the kernel, whatever else it has. Each is compiled
 * once for a dtype and problem. A new kernel is a new row of the table.
 */
#ifndef TOOLS_AUDIT_TASKS_H
#define TOOLS_AUDIT_TASKS_H

#include <vatten/vatten.h>

#include <stdbool.h>
#include <stddef.h>

typedef struct audit_task {
    const char *kernel;      /* "pool", in front of the dtype */
    const char *problem;     /* the operator whose plan has it */
    uint32_t dim, value_dim; /* 0: the kernel knows none */
    uint32_t dtypes;         /* bits 1 << vatten_dtype */
    /* What `create` tells its plans apart by. Pooling: whether the dtype is kept; appending: the dtype of the cache; selecting:
     * whether rows share budgets; sparse: the execution. */
    int form;
    vatten_result (*create)(vatten_device *device, const struct audit_task *task, vatten_dtype dtype,
                            vatten_plan **out);
} audit_task;

/* Task `index`, NULL past the last one. */
const audit_task *audit_task_at(size_t index);

bool audit_task_takes(const audit_task *task, vatten_dtype dtype);

/* "pool_f32". */
void audit_task_kernel(const audit_task *task, vatten_dtype dtype, char *out, size_t out_size);

#endif /* TOOLS_AUDIT_TASKS_H */
