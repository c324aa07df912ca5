/* SPDX-License-Identifier: BSD-2-Clause */
/* The table that writer and reader share. */
#ifndef TABLE_H
#define TABLE_H

#define PAGE 4096
#define TABLE_PAGES 16
#define GIVEN_PAGE 3          /* that the writer maps on */
#define WINDOW 0x500000000000 /* where the reader takes it */

#endif
