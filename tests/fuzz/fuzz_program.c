/* SPDX-License-Identifier: MIT
 *
 * From bytes to a desc, a problem, a tile and a list of steps: nothing crashes, nothing takes long, and every
 * program keeps the rules of tests/unit/program_rules.c, or of rules_must.c.
 *
 * The first byte chooses how the rest is read: as the raw memory of a desc, which finds what no sane caller
 * writes, or as choices of a generator of likely problems, which gets further.
 */
#include "fuzz_descs.h"
#include "fuzz_input.h"
#include "program_random.h"

#include <stdio.h>

static vatten_result read_raw(program_case *c, const vatten_logger *logger, const uint8_t *data, size_t size,
                              uint8_t how, uint8_t bits) {
    vatten_attention_desc dense;
    vatten_neighborhood_desc grid;
    vatten_lists_desc lists;
    if (how & 4) {
        fuzz_lists(&lists, data, size, bits);
        return vt_problem_from_lists(&c->caps, logger, &lists, &c->problem);
    }
    if (how & 2) {
        fuzz_dense(&dense, data, size, bits);
        return vt_problem_from_attention(&c->caps, logger, &dense, &c->problem);
    }
    fuzz_grid(&grid, data, size, bits);
    return vt_problem_from_neighborhood(&c->caps, logger, &grid, &c->problem);
}

static vatten_result read_problem(program_case *c, const vatten_logger *logger, const uint8_t *data,
                                  size_t size) {
    uint8_t how = data[0];
    if (how >= 128) {
        size_t used = size < 1 + FUZZ_CAPS_BYTES ? size : 1 + FUZZ_CAPS_BYTES;
        c->caps = fuzz_caps(data + 1, used - 1);
        return read_raw(c, logger, data + used, size - used, how, data[size - 1]);
    }
    unit_random random = {.state = how, .bytes = data + 1, .left = size - 1};
    program_scale scale = how & 1 ? PROGRAM_LARGE : PROGRAM_SMALL;
    return how & 16 ? rules_random(&random, scale, logger, c) : program_random(&random, scale, logger, c);
}

static const char *program_fault(const program_case *c, bool rules, uint8_t which) {
    const char *broken = rules ? rules_broken(c, which) : program_broken(c, which);
    return broken || rules ? broken : program_grid_broken(c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static program_case c;
    fuzz_log log;
    if (size < 2)
        return 0;
    fuzz_log_start(&log);
    vatten_result result = read_problem(&c, &log.logger, data, size);
    bool rules = result == VATTEN_SUCCESS && c.problem.map == VT_MAP_DENSE && c.problem.rules.used;
    if (result == VATTEN_SUCCESS)
        result = rules ? rules_build(&c, &log.logger) : program_build(&c, &log.logger);
    fuzz_judge(fuzz_log_broken(&log, result));
    if (result != VATTEN_SUCCESS)
        return 0;
    const char *broken = program_fault(&c, rules, data[0]);
    if (broken)
        fprintf(stderr, "%s\n", program_text(&c));
    fuzz_judge(broken);
    program_free(&c);
    return 0;
}
