"""Countries by their English names, for systems in which people type them: ISO 3166-1 alpha-2 codes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_TABLE: Final = """
AD Andorra|AE United Arab Emirates,UAE|AF Afghanistan|AG Antigua and Barbuda|AL Albania|AM Armenia|AO Angola
AR Argentina|AT Austria|AU Australia|AZ Azerbaijan|BA Bosnia and Herzegovina,Bosnia|BB Barbados|BD Bangladesh|BE Belgium
BF Burkina Faso|BG Bulgaria|BH Bahrain|BI Burundi|BJ Benin|BN Brunei,Brunei Darussalam|BO Bolivia|BR Brazil|BS Bahamas
BT Bhutan|BW Botswana|BY Belarus|BZ Belize|CA Canada|CD Democratic Republic of the Congo|CF Central African Republic
CG Congo,Republic of the Congo|CH Switzerland|CI Ivory Coast,Cote d'Ivoire,Côte d'Ivoire|CL Chile|CM Cameroon
CN China,People's Republic of China|CO Colombia|CR Costa Rica|CU Cuba|CV Cape Verde,Cabo Verde|CY Cyprus
CZ Czech Republic,Czechia|DE Germany|DJ Djibouti|DK Denmark|DM Dominica|DO Dominican Republic|DZ Algeria|EC Ecuador
EE Estonia|EG Egypt|ER Eritrea|ES Spain|ET Ethiopia|FI Finland|FJ Fiji|FO Faroe Islands|FR France|GA Gabon
GB United Kingdom,UK,U.K.,Great Britain,Britain,England,Scotland,Wales,Northern Ireland|GD Grenada|GE Georgia
GG Guernsey|GH Ghana|GI Gibraltar|GL Greenland|GM Gambia|GN Guinea|GP Guadeloupe|GQ Equatorial Guinea|GR Greece
GT Guatemala|GW Guinea-Bissau|GY Guyana|HK Hong Kong|HN Honduras|HR Croatia|HT Haiti|HU Hungary|ID Indonesia
IE Ireland|IL Israel|IM Isle of Man|IN India|IQ Iraq|IR Iran|IS Iceland|IT Italy|JE Jersey|JM Jamaica|JO Jordan
JP Japan|KE Kenya|KG Kyrgyzstan|KH Cambodia|KM Comoros|KN Saint Kitts and Nevis|KP North Korea
KR South Korea,Korea,Republic of Korea|KW Kuwait|KY Cayman Islands|KZ Kazakhstan|LA Laos|LB Lebanon|LC Saint Lucia
LI Liechtenstein|LK Sri Lanka|LR Liberia|LS Lesotho|LT Lithuania|LU Luxembourg|LV Latvia|LY Libya|MA Morocco|MC Monaco
MD Moldova|ME Montenegro|MG Madagascar|MK North Macedonia,Macedonia|ML Mali|MM Myanmar|MN Mongolia|MO Macao,Macau
MQ Martinique|MR Mauritania|MT Malta|MU Mauritius|MV Maldives|MW Malawi|MX Mexico|MY Malaysia|MZ Mozambique|NA Namibia
NC New Caledonia|NE Niger|NG Nigeria|NI Nicaragua|NL Netherlands,The Netherlands,Holland|NO Norway|NP Nepal
NZ New Zealand|OM Oman|PA Panama|PE Peru|PF French Polynesia|PG Papua New Guinea|PH Philippines,The Philippines
PK Pakistan|PL Poland|PR Puerto Rico|PS Palestine|PT Portugal|PY Paraguay|QA Qatar|RE Réunion,Reunion|RO Romania
RS Serbia|RU Russia,Russian Federation|RW Rwanda|SA Saudi Arabia|SC Seychelles|SD Sudan|SE Sweden|SG Singapore
SI Slovenia|SK Slovakia|SL Sierra Leone|SM San Marino|SN Senegal|SO Somalia|SR Suriname|SS South Sudan|SV El Salvador
SY Syria|SZ Eswatini,Swaziland|TD Chad|TG Togo|TH Thailand|TJ Tajikistan|TL East Timor,Timor-Leste|TM Turkmenistan
TN Tunisia|TO Tonga|TR Turkey,Türkiye,Turkiye|TT Trinidad and Tobago|TW Taiwan|TZ Tanzania|UA Ukraine|UG Uganda
US United States,United States of America,USA,U.S.A.,U.S.,America|UY Uruguay|UZ Uzbekistan|VA Vatican City
VC Saint Vincent and the Grenadines|VE Venezuela|VN Vietnam,Viet Nam|VU Vanuatu|WS Samoa|XK Kosovo|YE Yemen
ZA South Africa|ZM Zambia|ZW Zimbabwe
"""


def _read() -> Mapping[str, list[str]]:
    entries = (entry.strip().partition(" ") for entry in _TABLE.replace("\n", "|").split("|"))
    return {code: names.split(",") for code, _, names in entries if code}


_NAMES: Final = _read()
_CODES: Final = {name.casefold(): code for code, names in _NAMES.items() for name in (code, *names)}


def country_code(name: str) -> str | None:
    """The code of a country by its English name, or by its code in whatever case; None for one that nobody knows."""
    return _CODES.get(" ".join(name.split()).casefold())


def country_name(code: str) -> str:
    """What a country is called in English; the code itself where nobody knows it."""
    return _NAMES.get(code, [code])[0]
