/* Handlers without state: the viewer's files, health, metrics. */
#include <stdio.h>
#include <stdlib.h>

#include "gateway/api.h"
#include "gateway/request.h"

void api_index(struct request *request)
{
	respond_asset(request, request->gateway->assets.index);
}

void api_asset(struct request *request)
{
	const struct asset *asset = assets_find(&request->gateway->assets, request->match.asset);
	if (asset) {
		respond_asset(request, asset);
	} else {
		respond_error(request, 404, "not_found", "the viewer has no such file");
	}
}

/* A request for the stream that is no WebSocket. */
void api_stream(struct request *request)
{
	respond_error(request, 426, "upgrade_required",
			"this address speaks WebSocket, safeweb.v1");
}

void api_health(struct request *request)
{
	respond_json(request, 200, json_pack("{s:s}", "status", "ok"));
}

void api_ready(struct request *request)
{
	if (node_link_is_ready(request->gateway->node)) {
		respond_json(request, 200, json_pack("{s:s}", "status", "ready"));
	} else {
		request->answer.retry_after_s = 5;
		respond_error(request, 503, "node_unreachable", "the node does not answer");
	}
}

static void write_metrics(FILE *out, const struct gateway *gateway)
{
	const struct metrics *m = &gateway->metrics;
	fprintf(out, "# TYPE safeweb_http_requests_total counter\n");
	for (int i = 1; i < 6; i++) {
		fprintf(out, "safeweb_http_requests_total{status=\"%dxx\"} %llu\n", i,
				(unsigned long long)m->requests[i]);
	}
	const struct {
		const char *name;
		uint64_t value;
	} counters[] = {
			{"safeweb_logins_total{result=\"good\"}", m->logins_good},
			{"safeweb_logins_total{result=\"bad\"}", m->logins_bad},
			{"safeweb_logins_total{result=\"throttled\"}", m->logins_throttled},
			{"safeweb_sessions_claimed_total", m->sessions_claimed},
			{"safeweb_sessions_ended_total", m->sessions_ended},
			{"safeweb_streams_opened_total", m->streams_opened},
			{"safeweb_messages_refused_total", m->messages_refused},
			{"safeweb_stream_bytes_total{direction=\"down\"}", m->bytes_down},
			{"safeweb_stream_bytes_total{direction=\"up\"}", m->bytes_up},
			{"safeweb_audit_dropped_total", m->audit_dropped},
	};
	for (size_t i = 0; i < sizeof(counters) / sizeof(counters[0]); i++) {
		fprintf(out, "%s %llu\n", counters[i].name, (unsigned long long)counters[i].value);
	}
	fprintf(out, "# TYPE safeweb_streams gauge\nsafeweb_streams %zu\n", gateway->stream_count);
	fprintf(out, "# TYPE safeweb_node_ready gauge\nsafeweb_node_ready %d\n",
			node_link_is_ready(gateway->node));
}

void api_metrics(struct request *request)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	if (!out) {
		respond_error(request, 503, "busy", "the gateway is short of memory");
		return;
	}
	write_metrics(out, request->gateway);
	fclose(out);
	respond_text(request, 200, "text/plain; version=0.0.4", text);
}
