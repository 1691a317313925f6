/*
 * The allow-list, as a table with a reason a group.
 *
 * A process in the session may create a user namespace and then holds every capability in it. So a
 * capability check is no protection here; only what this table leaves out is. The rules that
 * matter most:
 *
 *   clone, unshare   new namespaces of kinds user, pid and net only, which Chromium's sandbox
 *                    needs; never mount, uts, ipc, cgroup, time. clone3 passes its flags in
 *                    memory, where a filter cannot look: ENOSYS makes libc fall back to clone.
 *   socket           AF_UNIX, and TCP and UDP over AF_INET and AF_INET6. No netlink (nf_tables,
 *                    xfrm, tc), packet, raw, ping, vsock, alg, SCTP, MPTCP.
 *   setsockopt       named options only: no packet filters, no netfilter tables, no TCP upper
 *                    layers.
 *   no entry at all  mount and its family, setns, pivot_root, bpf, io_uring, keyctl, perf,
 *                    userfaultfd, ptrace, process_vm_*, pidfd_getfd, file handles, mknod, quotas,
 *                    modules, SysV IPC.
 *
 * Arguments are compared as 64 bits. A caller who sets unused upper bits of an int argument fails
 * the comparison and is refused: the safe direction, as every rule here allows.
 */
#include "container/seccomp.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>

#define EXACT UINT64_MAX
/* Masks stay below 2^63: OCI readers take the numbers as signed. No call here looks at that bit. */
#define ALL_BUT(bits) ((uint64_t)INT64_MAX & ~(uint64_t)(bits))

/* Namespaces that nobody in a session may create. CLONE_NEWTIME shares its bit with clone's exit
 * signal. */
#define FORBIDDEN_NAMESPACES                                                                       \
	((uint64_t)(CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWCGROUP))
#define ALLOWED_UNSHARE (CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET)

struct plain_group {
	const char *reason;
	const char *const *names;
};

struct guarded_call {
	const char *reason;
	const char *name;
	struct seccomp_condition conditions[SECCOMP_CONDITIONS_MAX];
};

/* clang-format off: tables */
#define NAMES(...)                                                                                 \
	(const char *const[])                                                                      \
	{                                                                                          \
		__VA_ARGS__, NULL                                                                  \
	}

static const struct plain_group plain_groups[] = {
		{"memory",
				NAMES("brk", "madvise", "membarrier", "mincore", "mlock", "mlock2",
						"mmap", "mprotect", "mremap", "msync", "munlock",
						"munmap", "pkey_alloc", "pkey_free",
						"pkey_mprotect", "memfd_create", "get_mempolicy")},
		{"threads, processes and their end",
				NAMES("execve", "exit", "exit_group", "fork", "vfork", "futex",
						"futex_waitv", "get_robust_list", "set_robust_list",
						"set_tid_address", "gettid", "getpid", "getppid",
						"getpgid", "getpgrp", "getsid", "setsid", "setpgid",
						"wait4", "waitid", "rseq", "arch_prctl",
						"sched_yield", "sched_getaffinity",
						"sched_setaffinity", "sched_getattr",
						"sched_getparam", "sched_getscheduler",
						"sched_setscheduler", "sched_get_priority_max",
						"sched_get_priority_min", "getpriority",
						"setpriority", "getcpu", "getrusage", "times",
						"getrlimit", "setrlimit", "prlimit64", "pidfd_open",
						"pidfd_send_signal")},
		{"signals",
				NAMES("kill", "tkill", "tgkill", "rt_sigaction", "rt_sigpending",
						"rt_sigprocmask", "rt_sigqueueinfo", "rt_sigreturn",
						"rt_sigsuspend", "rt_sigtimedwait",
						"rt_tgsigqueueinfo", "sigaltstack",
						"restart_syscall", "pause", "alarm", "getitimer",
						"setitimer")},
		{"time",
				NAMES("clock_getres", "clock_gettime", "clock_nanosleep",
						"gettimeofday", "nanosleep", "time", "timer_create",
						"timer_delete", "timer_getoverrun", "timer_gettime",
						"timer_settime", "timerfd_create",
						"timerfd_gettime", "timerfd_settime")},
		{"files",
				NAMES("access", "chdir", "chmod", "close", "close_range", "creat",
						"dup", "dup2", "dup3", "faccessat", "faccessat2",
						"fadvise64", "fallocate", "fchdir", "fchmod",
						"fchmodat", "fcntl", "fdatasync", "flock", "fstat",
						"fstatfs", "fsync", "ftruncate", "getcwd",
						"getdents", "getdents64", "lseek", "link", "linkat",
						"lstat", "mkdir", "mkdirat", "newfstatat", "open",
						"openat", "openat2", "pread64", "preadv", "preadv2",
						"pwrite64", "pwritev", "pwritev2", "read",
						"readahead", "readlink", "readlinkat", "readv",
						"rename", "renameat", "renameat2", "rmdir",
						"sendfile", "stat", "statfs", "statx", "symlink",
						"symlinkat", "sync_file_range", "truncate", "umask",
						"unlink", "unlinkat", "utime", "utimensat",
						"utimes", "write", "writev", "copy_file_range")},
		{"waiting and pipes",
				NAMES("epoll_create", "epoll_create1", "epoll_ctl", "epoll_pwait",
						"epoll_pwait2", "epoll_wait", "eventfd", "eventfd2",
						"pipe", "pipe2", "poll", "ppoll", "pselect6",
						"select", "signalfd", "signalfd4")},
		{"file change notices, for the font and profile watchers",
				NAMES("inotify_add_watch", "inotify_init", "inotify_init1",
						"inotify_rm_watch")},
		{"sockets, once made",
				NAMES("accept", "accept4", "bind", "connect", "getpeername",
						"getsockname", "getsockopt", "listen", "recvfrom",
						"recvmmsg", "recvmsg", "sendmmsg", "sendmsg",
						"sendto", "shutdown")},
		{"who and what am I",
				NAMES("getegid", "geteuid", "getgid", "getgroups", "getresgid",
						"getresuid", "getuid", "getrandom", "sysinfo",
						"uname")},
		{"what Chromium's sandbox does to itself",
				NAMES("capget", "capset", "chroot", "seccomp", "setresgid",
						"setresuid", "setgid", "setuid", "setgroups")},
};

#define ARG(index, mask, value)                                                                    \
	{                                                                                          \
		index, mask, value                                                                 \
	}
#define SOCKET(domain, type, protocol)                                                             \
	{                                                                                          \
		ARG(0, EXACT, domain), ARG(1, ALL_BUT(SOCK_CLOEXEC | SOCK_NONBLOCK), type),        \
				ARG(2, EXACT, protocol)                                            \
	}
#define OPTION(level, option)                                                                      \
	{                                                                                          \
		ARG(1, EXACT, level), ARG(2, EXACT, option)                                        \
	}
#define FIRST(value)                                                                               \
	{                                                                                          \
		ARG(0, EXACT, value)                                                               \
	}
#define SECOND(value)                                                                              \
	{                                                                                          \
		ARG(1, EXACT, value)                                                               \
	}

static const struct guarded_call guarded_calls[] = {
		{"threads, children, and the three kinds of namespace Chromium's sandbox makes",
				"clone", {ARG(0, FORBIDDEN_NAMESPACES, 0)}},
		{"the same three kinds", "unshare", {ARG(0, ALL_BUT(ALLOWED_UNSHARE), 0)}},

		{"local sockets", "socket", SOCKET(1 /* AF_UNIX */, 1 /* stream */, 0)},
		{"", "socket", SOCKET(1, 2 /* datagram */, 0)},
		{"", "socket", SOCKET(1, 5 /* sequenced packets */, 0)},
		{"IPv4", "socket", SOCKET(2 /* AF_INET */, 1, 0)},
		{"", "socket", SOCKET(2, 1, 6 /* TCP */)},
		{"", "socket", SOCKET(2, 2, 0)},
		{"", "socket", SOCKET(2, 2, 17 /* UDP */)},
		{"IPv6", "socket", SOCKET(10 /* AF_INET6 */, 1, 0)},
		{"", "socket", SOCKET(10, 1, 6)},
		{"", "socket", SOCKET(10, 2, 0)},
		{"", "socket", SOCKET(10, 2, 17)},
		{"", "socketpair", SOCKET(1, 1, 0)},
		{"", "socketpair", SOCKET(1, 2, 0)},
		{"", "socketpair", SOCKET(1, 5, 0)},

		{"SO_REUSEADDR", "setsockopt", OPTION(1, 2)},
		{"SO_BROADCAST", "setsockopt", OPTION(1, 6)},
		{"SO_SNDBUF", "setsockopt", OPTION(1, 7)},
		{"SO_RCVBUF", "setsockopt", OPTION(1, 8)},
		{"SO_KEEPALIVE", "setsockopt", OPTION(1, 9)},
		{"SO_LINGER", "setsockopt", OPTION(1, 13)},
		{"SO_REUSEPORT", "setsockopt", OPTION(1, 15)},
		{"SO_PASSCRED: the zygote's", "setsockopt", OPTION(1, 16)},
		{"SO_RCVTIMEO", "setsockopt", OPTION(1, 20)},
		{"SO_SNDTIMEO", "setsockopt", OPTION(1, 21)},
		{"TCP_NODELAY", "setsockopt", OPTION(6, 1)},
		{"TCP_CORK", "setsockopt", OPTION(6, 3)},
		{"TCP_KEEPIDLE", "setsockopt", OPTION(6, 4)},
		{"TCP_KEEPINTVL", "setsockopt", OPTION(6, 5)},
		{"TCP_KEEPCNT", "setsockopt", OPTION(6, 6)},
		{"TCP_USER_TIMEOUT", "setsockopt", OPTION(6, 18)},
		{"IP_TOS", "setsockopt", OPTION(0, 1)},
		{"IP_MTU_DISCOVER", "setsockopt", OPTION(0, 10)},
		{"IP_RECVERR", "setsockopt", OPTION(0, 11)},
		{"IPV6_MTU_DISCOVER", "setsockopt", OPTION(41, 23)},
		{"IPV6_RECVERR", "setsockopt", OPTION(41, 25)},
		{"IPV6_V6ONLY", "setsockopt", OPTION(41, 26)},

		{"FIONREAD", "ioctl", SECOND(0x541B)},
		{"FIONBIO", "ioctl", SECOND(0x5421)},
		{"FIONCLEX", "ioctl", SECOND(0x5450)},
		{"FIOCLEX", "ioctl", SECOND(0x5451)},
		{"TCGETS: isatty, on descriptors that are none", "ioctl", SECOND(0x5401)},

		{"PR_SET_PDEATHSIG", "prctl", FIRST(1)},
		{"PR_GET_PDEATHSIG", "prctl", FIRST(2)},
		{"PR_GET_DUMPABLE", "prctl", FIRST(3)},
		{"PR_SET_DUMPABLE", "prctl", FIRST(4)},
		{"PR_GET_KEEPCAPS", "prctl", FIRST(7)},
		{"PR_SET_NAME", "prctl", FIRST(15)},
		{"PR_GET_NAME", "prctl", FIRST(16)},
		{"PR_GET_SECCOMP", "prctl", FIRST(21)},
		{"PR_SET_SECCOMP", "prctl", FIRST(22)},
		{"PR_CAPBSET_READ", "prctl", FIRST(23)},
		{"PR_CAPBSET_DROP", "prctl", FIRST(24)},
		{"PR_SET_TIMERSLACK", "prctl", FIRST(29)},
		{"PR_SET_NO_NEW_PRIVS", "prctl", FIRST(38)},
		{"PR_GET_NO_NEW_PRIVS", "prctl", FIRST(39)},
		{"PR_GET_SPECULATION_CTRL", "prctl", FIRST(52)},
		{"PR_SET_SPECULATION_CTRL", "prctl", FIRST(53)},
		{"PR_SET_VMA: names for anonymous memory", "prctl", FIRST(0x53564d41)},
		{"PR_SET_PTRACER", "prctl", FIRST(0x59616d61)},
};
/* clang-format on */

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static bool condition_is_used(const struct seccomp_condition *condition)
{
	return condition->mask != 0;
}

static json_t *condition_to_json(const struct seccomp_condition *condition)
{
	if (condition->mask == EXACT) {
		return json_pack("{s:i, s:I, s:s}", "index", (int)condition->index, "value",
				(json_int_t)condition->value, "op", "SCMP_CMP_EQ");
	}
	return json_pack("{s:i, s:I, s:I, s:s}", "index", (int)condition->index, "value",
			(json_int_t)condition->mask, "valueTwo", (json_int_t)condition->value, "op",
			"SCMP_CMP_MASKED_EQ");
}

static json_t *plain_rule(const struct plain_group *group)
{
	json_t *names = json_array();
	for (size_t i = 0; group->names[i] != NULL; i++) {
		json_array_append_new(names, json_string(group->names[i]));
	}
	return json_pack("{s:o, s:s}", "names", names, "action", "SCMP_ACT_ALLOW");
}

static json_t *guarded_rule(const struct guarded_call *call)
{
	json_t *conditions = json_array();
	for (size_t i = 0; i < SECCOMP_CONDITIONS_MAX && condition_is_used(&call->conditions[i]);
			i++) {
		json_array_append_new(conditions, condition_to_json(&call->conditions[i]));
	}
	return json_pack("{s:[s], s:s, s:o}", "names", call->name, "action", "SCMP_ACT_ALLOW",
			"args", conditions);
}

json_t *seccomp_profile(void)
{
	json_t *rules = json_array();
	for (size_t i = 0; i < COUNT(plain_groups); i++) {
		json_array_append_new(rules, plain_rule(&plain_groups[i]));
	}
	for (size_t i = 0; i < COUNT(guarded_calls); i++) {
		json_array_append_new(rules, guarded_rule(&guarded_calls[i]));
	}
	return json_pack("{s:s, s:i, s:[s], s:o}", "defaultAction", "SCMP_ACT_ERRNO",
			"defaultErrnoRet", ENOSYS, "architectures", "SCMP_ARCH_X86_64", "syscalls",
			rules);
}

static bool conditions_hold(const struct seccomp_condition *conditions, const uint64_t args[6])
{
	for (size_t i = 0; i < SECCOMP_CONDITIONS_MAX && condition_is_used(&conditions[i]); i++) {
		if ((args[conditions[i].index] & conditions[i].mask) != conditions[i].value) {
			return false;
		}
	}
	return true;
}

static bool is_plainly_allowed(const char *name)
{
	for (size_t i = 0; i < COUNT(plain_groups); i++) {
		for (size_t j = 0; plain_groups[i].names[j] != NULL; j++) {
			if (strcmp(plain_groups[i].names[j], name) == 0) {
				return true;
			}
		}
	}
	return false;
}

bool seccomp_allows(const char *name, const uint64_t args[6])
{
	if (is_plainly_allowed(name)) {
		return true;
	}
	for (size_t i = 0; i < COUNT(guarded_calls); i++) {
		if (strcmp(guarded_calls[i].name, name) == 0 &&
				conditions_hold(guarded_calls[i].conditions, args)) {
			return true;
		}
	}
	return false;
}
