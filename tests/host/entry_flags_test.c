/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Host test of the flags that `syscall` clears: what a program may set and the kernel must not run with. Places of the
 * flags: Intel SDM volume 1, 3.4.3. Some of them no program could notice if they stayed: so the mask itself is looked
 * at.
 */
#include "host_tap.h"
#include "trampoline/layout.h"

static const struct {
    const char *name;
    unsigned bit;
    bool cleared;
} flags[] = {
    {"carry", 0, false},           {"trap", 8, true},           {"interrupt enable", 9, true},
    {"direction", 10, true},       {"I/O privilege", 12, true}, {"I/O privilege, upper bit", 13, true},
    {"nested task", 14, true},     {"resume", 16, true},        {"virtual 8086", 17, false},
    {"alignment check", 18, true},
};

int main(void)
{
    for (unsigned i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
        host_ok((SYSCALL_FLAGS_MASK >> flags[i].bit & 1) == flags[i].cleared, "the %s flag is %s", flags[i].name,
                flags[i].cleared ? "cleared" : "left alone");
    host_ok(SYSCALL_FLAGS_MASK >> 19 == 0, "no flag beyond them is cleared");
    return host_done();
}
