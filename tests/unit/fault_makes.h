/* SPDX-License-Identifier: MIT
 *
 * One round for every public function of the core that Vulkan calls or host memory can make fail.
 */
#ifndef VATTEN_FAULT_MAKES_H
#define VATTEN_FAULT_MAKES_H

#include "fault_rounds.h"

/* Of the world's device; `features` are all that its caps have. */
vatten_device_desc fault_device_desc(fault_world *world);
vatten_result fault_make_device(fault_world *world);

/* Recorder, plan, device. */
void fault_drop(fault_world *world);

/* Those that make nothing but a plan of the world's device. */
extern const fault_round fault_plans[];
extern const uint32_t fault_plan_count;

/* And the others. */
extern const fault_round fault_others[];
extern const uint32_t fault_other_count;

#endif /* VATTEN_FAULT_MAKES_H */
