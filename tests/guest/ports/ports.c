/* SPDX-License-Identifier: BSD-2-Clause */
/* Each of the 65,536 ports, read and written by a program that was given none: a protection fault, counted. */
#include "../common/sandbox.h"

#define PORTS 65536
#define ROUNDS 2 /* guest_run() runs each test so often: half of the ports each time */

SANDBOX_PROGRAM(in_byte, "movl %edi, %edx", "inb %dx, %al");
SANDBOX_PROGRAM(out_byte, "movl %edi, %edx; movl %esi, %eax", "outb %al, %dx");

static uint32_t refused_ports(const struct sandbox *sandbox, uint32_t first, uint64_t instruction)
{
    uint32_t refused = 0;
    for (uint32_t port = first; port < PORTS; port += ROUNDS) {
        struct fault fault = sandbox_run(sandbox, port, 0);
        if (fault.vector == VECTOR_PROTECTION && fault.error == 0 && fault.instruction == instruction)
            refused++;
    }
    return refused;
}

static void every_port_read(void)
{
    static uint32_t round;
    struct sandbox sandbox;
    sandbox_create(&sandbox);
    SANDBOX_LOAD(&sandbox, in_byte);
    EXPECT_EQUAL(refused_ports(&sandbox, round++, SANDBOX_CODE + (uint64_t)(in_byte_at - in_byte)), PORTS / ROUNDS);
    sandbox_destroy(&sandbox);
}

static void every_port_written(void)
{
    static uint32_t round;
    struct sandbox sandbox;
    sandbox_create(&sandbox);
    SANDBOX_LOAD(&sandbox, out_byte);
    EXPECT_EQUAL(refused_ports(&sandbox, round++, SANDBOX_CODE + (uint64_t)(out_byte_at - out_byte)), PORTS / ROUNDS);
    sandbox_destroy(&sandbox);
}

static const struct guest_test tests[] = {
    {"no port can be read", every_port_read},
    {"no port can be written", every_port_written},
};

int main(void)
{
    return guest_run(tests, sizeof(tests) / sizeof(tests[0]));
}
