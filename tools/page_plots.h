/* SPDX-License-Identifier: MIT
 *
 * The plots of one run of vatten_bench, from its JSON document.
 */
#ifndef TOOLS_PAGE_PLOTS_H
#define TOOLS_PAGE_PLOTS_H

#include <stdio.h>

#include <cjson/cJSON.h>

/* All that the run has numbers for: parts of roofs, the roofline, times, speed-ups, times against tokens. Lines are numbered as
 * html_rows numbers them. */
void page_plots(FILE *out, const cJSON *run);

#endif /* TOOLS_PAGE_PLOTS_H */
