/* SPDX-License-Identifier: BSD-2-Clause */
/* A server that answers with what came: `echo LOOP`, on the endpoint that it was granted as `echo`. */
#include <stdio.h>
#include <string.h>

#include <salto/startup.h>

#include "loops.h"

static const struct {
    const char *name;
    server_loop *loop;
} loops[] = {
    {"echo_0", echo_0},   {"echo_4", echo_4},   {"echo_6", echo_6},   {"echo_long", echo_long},
    {"check_0", check_0}, {"check_4", check_4}, {"check_6", check_6}, {"check_long", check_long},
};

int main(int argc, char **argv)
{
    for (unsigned i = 0; argc == 2 && i < sizeof(loops) / sizeof(loops[0]); i++)
        if (strcmp(argv[1], loops[i].name) == 0)
            loops[i].loop(salto_require("echo"));
    fprintf(stderr, "usage: echo LOOP\n");
    return 1;
}
