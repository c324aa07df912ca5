/* SPDX-License-Identifier: BSD-2-Clause */
/* Has no console: writing fails, reading is at the end of the file, a call that is not provided says nothing. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

int main(int count, char **arguments)
{
    char byte;
    if (count != 2 || strcmp(arguments[1], "silent") != 0)
        return 1;
    if (write(1, "x", 1) != -1 || errno != EBADF)
        return 2;
    if (read(0, &byte, 1) != 0)
        return 3;
    if (fork() != -1 || errno != ENOSYS)
        return 4;
    return 0;
}
