"""The shop's customers: guests and known ones, companies, and names that break naive code."""

from __future__ import annotations

import dataclasses
import functools
import html

from connectors.sandbox.woocommerce.shop import Json


@dataclasses.dataclass(frozen=True, slots=True)
class Person:
    """One customer. `customer_id` 0 is a guest; a company has a VAT id."""

    first_name: str
    last_name: str
    street: str
    city: str
    postcode: str
    country: str
    email: str
    company: str = ""
    vat_id: str = ""
    phone: str = ""
    state: str = ""
    customer_id: int = 0
    #: Ships to somebody else.
    gift_to: str = ""

    def addresses(self, *, escaped: bool) -> tuple[Json, Json]:
        """Billing and shipping. The checkout stores `&` escaped, the REST API does not (recorded)."""
        keep = (lambda text: html.escape(text, quote=False)) if escaped else str
        shipping = {
            "first_name": keep(self.gift_to or self.first_name),
            "last_name": keep(self.last_name),
            "company": keep(self.company),
            "address_1": keep(self.street),
            "address_2": "",
            "city": keep(self.city),
            "state": self.state,
            "postcode": self.postcode,
            "country": self.country,
            "phone": self.phone,
        }
        billing = {name: value for name, value in shipping.items() if name != "phone"}
        billing |= {"first_name": keep(self.first_name), "email": self.email, "phone": self.phone}
        return billing, shipping


_FIXED = (
    Person(
        "Jürgen",
        "Großmann-Øster",
        "Straße des 17. Juni 135",
        "Köln",
        "50667",
        "DE",
        "juergen@example.test",
        company="Teehaus «Łódź» & Co.",
        vat_id="DE136695976",
        phone="+49 221 000111",
        customer_id=2,
    ),
    Person("Anna", "O'Brien-Müller", "Am Kai 3", "Hamburg", "20457", "DE", "anna@example.test", customer_id=3),
    Person("Zoë 🌸", "Blümchen 😀", "Gartenweg 1", "Jena", "07743", "DE", "zoe@example.test"),
    Person("محمد", "العبدالله", "Sonnenallee 12", "Berlin", "12047", "DE", "mohammed@example.test"),
    Person("שרה", "כהן", "Oranienburger Str. 28", "Berlin", "10117", "DE", "sara@example.test"),
    Person("Li", "王小明", "Kantstraße 55", "Berlin", "10627", "DE", "li@example.test"),
    Person("Max", "<Mustermann>", "Weg & Ziel 9", "Bonn", "53111", "DE", "MAX@Example.test", gift_to="Erika"),
    Person(
        "Ute",
        "Kraft",
        "Industriestr. 4",
        "Ulm",
        "89073",
        "DE",
        "einkauf@kraft.example.test",
        company='Kraft "Süd" GmbH & Co. KG',
        vat_id="DE111111125",
        customer_id=4,
    ),
    Person("Žofie", "Nováková", "Mariahilfer Straße 1", "Wien", "1060", "AT", "zofie@example.test"),
    Person(
        "Franz",
        "Huber",
        "Getreidegasse 9",
        "Salzburg",
        "5020",
        "AT",
        "buero@huber.example.test",
        company="Huber Tee OG",
        vat_id="ATU33864707",
        customer_id=5,
    ),
    Person("Édouard", "L'Hôpital", "12 rue de l'Église", "Paris", "75001", "FR", "edouard@example.test"),
    Person(
        "Chloé",
        "Dupont",
        "3 quai des Brumes",
        "Lyon",
        "69002",
        "FR",
        "achats@dupont.example.test",
        company="Dupont & Fils SARL",
        vat_id="FR83404833048",
    ),
    Person("太郎", "山田", "千代田1-1", "千代田区", "100-0001", "JP", "taro@example.test", state="JP13"),
    Person("Mary Ann", "Smith", "1 Main St", "Springfield", "62701", "US", "mary@example.test", state="IL"),
    Person("فاطمة", "الصباح", "شارع الخليج العربي", "الكويت", "13001", "KW", "fatima@example.test"),
)
_FIRST = ("Lena", "Paul", "Mia", "Jonas", "Emma", "Felix", "Sophie", "Lukas", "Nora", "Tim", "Ida", "Ole")
_LAST = ("Schmidt", "Weiß", "Jäger", "Köhler", "Öztürk", "Nowak", "Becker", "Vogel", "Groß", "Sørensen")


@functools.lru_cache(maxsize=1)
def people() -> dict[str, tuple[Person, ...]]:
    """All customers by country."""
    ordinary = tuple(
        Person(
            first,
            last,
            f"Hauptstraße {number + 1}",
            "Leipzig",
            f"{4100 + number:05d}",
            "DE",
            f"kunde{number}@example.test",
            customer_id=100 + number if number % 2 else 0,
        )
        for number, (first, last) in enumerate((first, last) for first in _FIRST for last in _LAST)
    )
    grouped: dict[str, tuple[Person, ...]] = {}
    for person in (*_FIXED, *ordinary):
        grouped[person.country] = (*grouped.get(person.country, ()), person)
    return grouped
