/* SPDX-License-Identifier: BSD-2-Clause */
/* Invariants of frames and page tables. See invariants.h. */
#include "debug/invariants.h"
#include "debug/walk.h"
#include "mem/frame.h"

void invariants_memory(struct inspection *inspection)
{
    invariant(inspection, frame_counts_agree(), "free and used frames add up");
    invariant(inspection, frame_stock_is_zeroed(), "frames that came back zeroed are zeros");
    struct walk_result result = walk_all_tasks();
    invariant(inspection, result.wrong == 0, result.first_wrong);
}
