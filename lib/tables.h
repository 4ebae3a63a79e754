/* SPDX-License-Identifier: MIT
 *
 * Tables of dense plans. Where they stand tells vatten_attention_tables.
 */
#ifndef VT_TABLES_H
#define VT_TABLES_H

#include <vatten/vatten.h>

#include <iface/interface.h>

#endif /* VT_TABLES_H */
