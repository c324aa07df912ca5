/* SPDX-License-Identifier: BSD-2-Clause */
/* Operations of port ranges: idl/kernel/ports.idl describes them. */
#include "cap/factory.h"
#include "idl/ports_kernel.h"
#include "ipc/dispatch.h"
#include "irq/ports.h"
#include "thread/task.h"
#include "thread/thread.h"

enum error kernel_ports_range(struct kernel_call *call, struct ports *self, struct factory *factory, uint32_t first,
                              uint32_t count, uint32_t *ports)
{
    enum error error;
    struct ports *created = ports_create(factory, self, first, count, &error);
    return created ? capability_publish(kernel_call_thread(call)->task, &created->object, RIGHTS_ALL, ports) : error;
}

enum error kernel_ports_grant(struct kernel_call *call, struct ports *self, struct task *task)
{
    (void)call;
    return ports_grant(self, task);
}

enum error kernel_ports_withdraw(struct kernel_call *call, struct ports *self, struct task *task)
{
    (void)call;
    return ports_withdraw(self, task);
}

enum error kernel_ports_bounds(struct kernel_call *call, struct ports *self, uint32_t *first, uint32_t *count)
{
    (void)call;
    *first = self->first;
    *count = self->end - self->first;
    return ERROR_NONE;
}

void ports_dispatch(struct kernel_call *call, const struct capability *capability)
{
    if (!kernel_call_ready(call))
        return;
    kernel_ports_dispatch(call, (struct ports *)capability->object, capability->rights);
}
