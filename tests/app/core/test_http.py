"""Routes do what their decorators say, and the API reference says what they do."""

import pytest


class TestAccepting:
    def test_a_query_string_becomes_typed_arguments(self, toys, toy, headers):
        answer = toys.get("/toy/wishes?limit=5&is_new=true", headers=headers())

        assert answer.json == {"items": [], "next_cursor": None}
        assert toy.runs == [{"limit": 5, "is_new": True}]

    @pytest.mark.parametrize("query", ["limit=0", "limit=51", "limit=x", "is_new=2", "page=1"])
    def test_a_wrong_query_string_is_refused(self, toys, toy, headers, query):
        answer = toys.get(f"/toy/wishes?{query}", headers=headers())

        assert answer.status_code == 422
        assert list(answer.json["errors"]) == [query.partition("=")[0]]
        assert toy.runs == []

    def test_a_query_that_nobody_reads_is_refused(self, toys, headers):
        answer = toys.get("/open/who?name=x")

        assert (answer.status_code, answer.json["errors"]) == (422, {"name": ["未知字段"]})
        assert toys.get("/open/who").status_code == 200

    def test_a_number_in_a_path_is_positive_or_zero_and_fits_the_database(self, toys, headers):
        assert toys.put("/toy/wishes/1", headers=headers()).status_code == 204
        assert toys.put(f"/toy/wishes/{10**18 - 1}", headers=headers()).status_code == 204

    def test_a_word_in_a_path_is_plain(self, toys, headers):
        assert toys.patch("/toy/words/O01-x_.", headers=headers()).json["name"] == "O01-x_."
        assert toys.patch("/toy/words/%E9%A9%AC", headers=headers()).status_code == 404


@pytest.fixture
def paths(toys):
    return toys.get("/docs/openapi.json").json["paths"]


class TestReference:
    def test_a_body_a_key_and_every_answer_are_documented(self, paths):
        wish = paths["/toy/wishes"]["post"]

        assert wish["summary"] == "Wish for a toy."
        assert wish["tags"] == ["toys"]
        assert wish["security"] == [{"shopper_token": []}]
        assert "requestBody" in wish
        assert [each["name"] for each in wish["parameters"]] == ["Idempotency-Key"]
        assert set(wish["responses"]) >= {"201", "400", "401", "404", "409", "422"}
        conflict = wish["responses"]["409"]
        assert conflict["description"] == "Conflict: toy_broken, request_in_progress"
        assert list(conflict["content"]) == ["application/problem+json"]

    def test_a_query_is_documented_with_what_it_refuses(self, paths):
        search = paths["/toy/wishes"]["get"]

        assert {each["name"] for each in search["parameters"]} == {"limit", "is_new"}
        assert "422" in search["responses"]
        assert "400" not in search["responses"]

    def test_a_public_route_asks_for_no_token(self, paths):
        who = paths["/open/who"]["get"]

        assert "security" not in who
        assert "401" not in who["responses"]

    def test_an_empty_answer_has_no_schema(self, paths):
        assert "content" not in paths["/toy/session"]["delete"]["responses"]["204"]

    def test_a_page_is_named_for_what_is_on_it(self, toys):
        schemas = toys.get("/docs/openapi.json").json["components"]["schemas"]

        assert set(schemas["WishPage"]["properties"]) == {"items", "next_cursor"}

    def test_the_page_and_its_files_need_no_network(self, toys):
        assert "https://" not in toys.get("/docs/").text
        assert toys.get("/docs/ui/swagger-ui.css").status_code == 200
        assert toys.get("/docs/ui/..%2Fsecret").status_code == 404

    def test_the_command_prints_the_same_document(self, toy_app, toys):
        with toy_app.app_context():
            printed = toy_app.test_cli_runner().invoke(args=["openapi"])

        assert printed.output == toys.get("/docs/openapi.json").text
