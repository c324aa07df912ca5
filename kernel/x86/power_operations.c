/* SPDX-License-Identifier: BSD-2-Clause */
/* Operations of the power switch: idl/kernel/power.idl describes them. */
#include "debugger.h"
#include "idl/power_kernel.h"
#include "ipc/dispatch.h"
#include "x86/acpi.h"

enum error kernel_power_off(struct kernel_call *call, struct power *self, uint32_t status)
{
    (void)call, (void)self;
    debugger_ending();
    power_off(status);
}

void power_dispatch(struct kernel_call *call, const struct capability *capability)
{
    kernel_power_dispatch(call, (struct power *)capability->object, capability->rights);
}
