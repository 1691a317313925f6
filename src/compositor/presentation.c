#include "compositor/presentation.h"

#include <errno.h>
#include <presentation-time-server-protocol.h>
#include <time.h>

#include "compositor/compositor.h"
#include "compositor/resource.h"
#include "compositor/surface.h"

/* The viewer's screen: what is not known is 60 Hz. */
#define REFRESH_NS 16666667u

static void send_presented(struct wl_resource *feedback, struct output *output)
{
	struct wl_resource *resource;
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	uint64_t seconds = (uint64_t)now.tv_sec;
	wl_resource_for_each(resource, &output->resources)
	{
		wp_presentation_feedback_send_sync_output(feedback, resource);
	}
	wp_presentation_feedback_send_presented(feedback, (uint32_t)(seconds >> 32),
			(uint32_t)seconds, (uint32_t)now.tv_nsec, REFRESH_NS, 0, 0, 0);
}

void presentation_send(struct wl_list *feedbacks, struct output *output)
{
	struct wl_resource *feedback, *next;
	wl_resource_for_each_safe(feedback, next, feedbacks)
	{
		send_presented(feedback, output);
		wl_resource_destroy(feedback);
	}
}

void presentation_discard(struct wl_list *feedbacks)
{
	struct wl_resource *feedback, *next;
	wl_resource_for_each_safe(feedback, next, feedbacks)
	{
		wp_presentation_feedback_send_discarded(feedback);
		wl_resource_destroy(feedback);
	}
}

static void handle_feedback(struct wl_client *client, struct wl_resource *resource,
		struct wl_resource *surface_resource, uint32_t id)
{
	struct surface *surface = surface_from_resource(surface_resource);
	struct wl_resource *feedback = resource_make(client, &wp_presentation_feedback_interface,
			resource_version(resource), id, NULL, NULL, resource_unlink);
	if (feedback) {
		wl_list_insert(surface->pending.feedbacks.prev, wl_resource_get_link(feedback));
	}
}

static const struct wp_presentation_interface presentation_impl = {
		.destroy = resource_handle_destroy,
		.feedback = handle_feedback,
};

static void handle_bind(struct wl_client *client, void *data, uint32_t version, uint32_t id)
{
	struct wl_resource *resource = resource_make(client, &wp_presentation_interface, version,
			id, &presentation_impl, data, NULL);
	if (resource) {
		wp_presentation_send_clock_id(resource, CLOCK_MONOTONIC);
	}
}

int presentation_globals_init(struct compositor *compositor)
{
	return wl_global_create(compositor->display, &wp_presentation_interface, 1, compositor,
			       handle_bind)
			? 0
			: -ENOMEM;
}
