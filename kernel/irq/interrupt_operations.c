/* SPDX-License-Identifier: BSD-2-Clause */
/* Operations of interrupt lines: idl/kernel/interrupt.idl describes them. */
#include "cap/factory.h"
#include "idl/interrupt_kernel.h"
#include "ipc/dispatch.h"
#include "irq/line.h"
#include "thread/thread.h"

enum error kernel_interrupt_control_create(struct kernel_call *call, struct interrupt_control *self,
                                           struct factory *factory, uint32_t line, uint32_t *interrupt)
{
    enum error error;
    struct interrupt *created = interrupt_create(factory, line, &error);
    (void)self;
    return created ? capability_publish(kernel_call_thread(call)->task, &created->object, RIGHTS_ALL, interrupt)
                   : error;
}

void interrupt_control_dispatch(struct kernel_call *call, const struct capability *capability)
{
    if (!kernel_call_ready(call))
        return;
    kernel_interrupt_control_dispatch(call, (struct interrupt_control *)capability->object, capability->rights);
}

enum error kernel_interrupt_bind(struct kernel_call *call, struct interrupt *self, struct capability *notification)
{
    (void)call;
    interrupt_bind(self, notification);
    return ERROR_NONE;
}

enum error kernel_interrupt_acknowledge(struct kernel_call *call, struct interrupt *self)
{
    (void)call;
    interrupt_acknowledge(self);
    return ERROR_NONE;
}

void interrupt_dispatch(struct kernel_call *call, const struct capability *capability)
{
    kernel_interrupt_dispatch(call, (struct interrupt *)capability->object, capability->rights);
}
