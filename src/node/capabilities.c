#include "node/capabilities.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"

struct kept {
	int capability;
	const char *reason;
};

/* Each was taken away in turn and the reason found to be true (docs/decisions/0012-node.md). */
static const struct kept kept[] = {
		{CAP_SYS_ADMIN,
				"namespaces of sessions, mounts of the runtime, entering a network "
				"namespace to listen in it"},
		{CAP_NET_ADMIN, "bringing up the loopback device of a session's network namespace"},
		{CAP_SETUID, "the users of container, compositor, encoder and egress proxy"},
		{CAP_SETGID, "their groups"},
		{CAP_SYS_CHROOT, "the empty root of compositor, encoder and egress proxy"},
		{CAP_CHOWN,
				"the gateway's group for node.sock, the folders of a session for "
				"its ids"},
		{CAP_DAC_OVERRIDE, "control groups of a tree that was handed down by another user"},
		{CAP_KILL, "ending a compositor or encoder that does not end by itself"},
};

static uint64_t kept_mask(void)
{
	uint64_t mask = 0;
	for (size_t i = 0; i < ARRAY_LENGTH(kept); i++) {
		mask |= UINT64_C(1) << kept[i].capability;
	}
	return mask;
}

int capabilities_reduce(struct error *err)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
	uint64_t mask = kept_mask();
	for (int capability = 0; prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; capability++) {
		if (!(mask >> capability & 1) && prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) < 0) {
			return error_set_errno(err, "cannot give up capability %d", capability);
		}
	}
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (syscall(SYS_capget, &header, data) < 0) {
		return error_set_errno(err, "cannot read its capabilities");
	}
	for (size_t i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
		data[i].permitted &= (uint32_t)(mask >> (32 * i));
		data[i].effective = data[i].permitted;
		data[i].inheritable = 0;
	}
	if (syscall(SYS_capset, &header, data) < 0) {
		return error_set_errno(err, "cannot reduce its capabilities");
	}
	return 0;
}
