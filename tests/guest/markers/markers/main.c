/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A mark in every register, then each way into the kernel. Afterwards no page that other tasks map holds a mark, no
 * receiver's register does, and the caller has back what docs/ipc.md promises it.
 */
#include "markers.h"

static const struct guest_test tests[] = {
    {"the search finds marks in other tasks' slots and saved registers", search_finds_private_pages},
    {"the search finds marks in hot state", search_finds_shared_pages},
    {"the search finds marks in other tasks' memory and UTCBs", search_finds_user_pages},
    {"the search leaves out what owner and searcher map", search_skips_own_pages},
    {"a search by a marked call finds nothing", search_by_marked_call},
    {"calls along the fast path", exchanges_fast},
    {"calls through the UTCB", exchanges_long},
    {"calls that have to wait for the receiver", exchanges_queued},
    {"calls with items", exchanges_with_items},
    {"one-way messages", exchanges_one_way},
    {"calls and sends that poll", exchanges_poll},
    {"answers of all kinds", answers_of_all_kinds},
    {"calls that fail at once", failures_at_once},
    {"calls that fail while they wait", failures_while_waiting},
    {"calls to kernel objects", kernel_objects},
    {"a Linux call that is reflected", linux_call},
    {"a Linux call without a handler", linux_call_without_handler},
    {"timer ticks", timer_ticks},
    {"page faults and exceptions that a supervisor hears of", faults_that_are_heard},
    {"page faults and exceptions that nobody hears of", faults_that_nobody_hears},
    {"a trap flag set at a system call", trap_at_system_call},
};

int main(void)
{
    return guest_run(tests, sizeof(tests) / sizeof(tests[0]));
}
