/* SPDX-License-Identifier: MIT
 *
 * The core alone: no Vulkan header, no loader, no device. The library that runs is the one of the header.
 */
#include <vatten/vatten.h>

#include <stdio.h>

int main(void) {
    uint32_t header =
        (uint32_t)VATTEN_VERSION_MAJOR << 22 | VATTEN_VERSION_MINOR << 12 | VATTEN_VERSION_PATCH;
    vatten_plan *plan = NULL;
    vatten_result result = vatten_attention_create(NULL, NULL, &plan);
    printf("vatten %u, %s\n", (unsigned)vatten_version(), vatten_result_name(result));
    return vatten_version() == header && result == VATTEN_ERROR_INVALID_ARGUMENT ? 0 : 1;
}
