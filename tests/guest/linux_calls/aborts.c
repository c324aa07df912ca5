/* SPDX-License-Identifier: BSD-2-Clause */
/* A failed assertion ends the program as on Linux: its text, then status 128 + SIGABRT. */
#undef NDEBUG
#include <assert.h>

int main(int count, char **arguments)
{
    (void)arguments;
    assert(count == 0);
    return 0;
}
