/* The handlers of the route table. Each answers its request, at once or later. */
#ifndef SAFEWEB_GATEWAY_API_H
#define SAFEWEB_GATEWAY_API_H

struct request;

void api_index(struct request *request);
void api_asset(struct request *request);
void api_stream(struct request *request);
void api_login(struct request *request);
void api_logout(struct request *request);
void api_me(struct request *request);
void api_session_open(struct request *request);
void api_session_list(struct request *request);
void api_session_get(struct request *request);
void api_session_end(struct request *request);
void api_ticket(struct request *request);
void api_admin_sessions(struct request *request);
void api_health(struct request *request);
void api_ready(struct request *request);
void api_metrics(struct request *request);

#endif
