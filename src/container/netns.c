#include "container/netns.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"

#define LISTEN_BACKLOG                                                                             \
	128 /* connections waiting for the proxy; Chromium opens at most some dozens at once */

/* A network namespace belongs to a thread: a helper thread enters or makes it, does one thing,
 * and ends, so that the caller never leaves its own. */
struct job {
	int netns_fd; /* to enter; -1: make a new one */
	uint16_t port; /* to listen on */
	int result_fd; /* namespace or socket; -1 on failure */
	int code;
	struct error *err;
};

static int bring_loopback_up(struct error *err)
{
	CLEANUP_CLOSE int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq request = {.ifr_name = "lo"};
	if (fd < 0 || ioctl(fd, SIOCGIFFLAGS, &request) < 0) {
		return error_set_errno(err, "cannot read the loopback device");
	}
	request.ifr_flags |= IFF_UP | IFF_RUNNING;
	if (ioctl(fd, SIOCSIFFLAGS, &request) < 0) {
		return error_set_errno(err, "cannot bring the loopback device up");
	}
	return 0;
}

static int make_namespace(struct job *job)
{
	if (unshare(CLONE_NEWNET) < 0) {
		return error_set_errno(job->err, "cannot make a network namespace");
	}
	int code = bring_loopback_up(job->err);
	if (code < 0) {
		return code;
	}
	job->result_fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	return job->result_fd < 0 ? error_set_errno(job->err, "cannot open the network namespace")
				  : 0;
}

static int listen_inside(struct job *job)
{
	if (setns(job->netns_fd, CLONE_NEWNET) < 0) {
		return error_set_errno(job->err, "cannot enter the session's network namespace");
	}
	CLEANUP_CLOSE int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_in address = {
			.sin_family = AF_INET,
			.sin_port = htons(job->port),
			.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	if (fd < 0 || bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
			listen(fd, LISTEN_BACKLOG) < 0) {
		return error_set_errno(job->err, "cannot listen on 127.0.0.1:%u in the session",
				job->port);
	}
	job->result_fd = steal_fd(&fd);
	return 0;
}

static void *run_job(void *data)
{
	struct job *job = data;
	job->code = job->netns_fd < 0 ? make_namespace(job) : listen_inside(job);
	return NULL;
}

static int run_in_thread(struct job *job)
{
	pthread_t thread;
	int code = pthread_create(&thread, NULL, run_job, job);
	if (code != 0) {
		return error_set(job->err, -code, "cannot start a thread for a network namespace");
	}
	pthread_join(thread, NULL);
	return job->code;
}

int netns_create(int *ret_fd, struct error *err)
{
	struct job job = {.netns_fd = -1, .result_fd = -1, .err = err};
	int code = run_in_thread(&job);
	if (code == 0) {
		*ret_fd = job.result_fd;
	}
	return code;
}

int netns_listen(int netns_fd, uint16_t port, int *ret_listen_fd, struct error *err)
{
	if (netns_fd < 0 || port == 0) {
		return error_set(err, -EINVAL,
				"a namespace and a port other than 0 are needed to listen");
	}
	struct job job = {.netns_fd = netns_fd, .port = port, .result_fd = -1, .err = err};
	int code = run_in_thread(&job);
	if (code == 0) {
		*ret_listen_fd = job.result_fd;
	}
	return code;
}
