import type { Address, PaymentMethod, User } from '../entities.ts';

/** A customer before any order. The e-mail address follows from the user id. */
export type Person = Omit<User, 'orders'>;

function card(digits: string, brand: string, lastFour: string): PaymentMethod {
  return { source: 'credit_card', id: `credit_card_${digits}`, brand, last_four: lastFour };
}

function gift(digits: string, balance: number): PaymentMethod {
  return { source: 'gift_card', id: `gift_card_${digits}`, balance };
}

function paypal(digits: string): PaymentMethod {
  return { source: 'paypal', id: `paypal_${digits}` };
}

function at(address1: string, address2: string, place: string): Address {
  const [city = '', state = '', zip = ''] = place.split(', ');
  return { address1, address2, city, country: 'USA', state, zip };
}

function person(userId: string, name: string, address: Address, methods: readonly PaymentMethod[]): Person {
  const [first_name = '', last_name = ''] = name.split(' ');
  return {
    user_id: userId,
    name: { first_name, last_name },
    address,
    email: `${userId.replace(/_\d+$/, '').replace('_', '.')}@example.com`,
    payment_methods: Object.fromEntries(methods.map((method) => [method.id, method])),
  };
}

/** Everybody here is made up. Mara Lindqvist is the one to try things with. */
export const people: readonly Person[] = [
  person('mara_lindqvist_2041', 'Mara Lindqvist', at('18 Ropewalk Lane', 'Apt 3', 'Rockport, ME, 04856'), [
    card('2041177', 'visa', '4417'),
    gift('2041902', 60),
  ]),
  person('tomas_brandt_1187', 'Tomas Brandt', at('402 Quarry Road', '', 'Barre, VT, 05641'), [
    card('1187034', 'mastercard', '0926'),
  ]),
  person('ines_carvalho_3320', 'Ines Carvalho', at('77 Harbor Street', 'Unit 12', 'New Bedford, MA, 02740'), [
    paypal('3320551'),
    gift('3320118', 25.5),
  ]),
  person('odell_whitaker_4096', 'Odell Whitaker', at('5 Mill Pond Way', '', 'Camden, ME, 04843'), [
    card('4096220', 'visa', '7710'),
    paypal('4096903'),
  ]),
  person('asa_oberg_5113', 'Åsa Öberg', at('230 Lakeshore Drive', 'Apt 9', 'Duluth, MN, 55802'), [
    card('5113608', 'mastercard', '3358'),
    gift('5113047', 140.75),
  ]),
  person('priya_raman_6252', 'Priya Raman', at('919 Juniper Court', '', 'Durham, NC, 27701'), [
    paypal('6252410'),
  ]),
  person('gustavo_pires_7019', 'Gustavo Pires', at('61 Cannery Row', 'Suite 4', 'Astoria, OR, 97103'), [
    card('7019335', 'visa', '1204'),
    gift('7019816', 12),
  ]),
  person('hanna_kowalski_7741', 'Hanna Kowalski', at('1400 Prospect Avenue', '', 'Milwaukee, WI, 53202'), [
    card('7741062', 'amex', '9001'),
  ]),
  person('lionel_achebe_8135', 'Lionel Achebe', at('33 Wharf Street', 'Apt 21', 'Baltimore, MD, 21230'), [
    paypal('8135777'),
    card('8135290', 'visa', '6642'),
  ]),
  person('noor_haddad_8460', 'Noor Haddad', at('508 Cedar Hollow', '', 'Dearborn, MI, 48124'), [
    card('8460911', 'mastercard', '5087'),
    gift('8460333', 200),
  ]),
  person('wendell_frost_9024', 'Wendell Frost', at('12 Breakwater Road', '', 'Newport, RI, 02840'), [
    card('9024650', 'visa', '2290'),
  ]),
  person('yuki_tanabe_9377', 'Yuki Tanabe', at('88 Alder Place', 'Apt 5', 'Tacoma, WA, 98402'), [
    paypal('9377104'),
    gift('9377585', 48.2),
  ]),
  person('clara_moreau_1502', 'Clara Moreau', at('216 Magnolia Street', '', 'Mobile, AL, 36602'), [
    card('1502448', 'visa', '8135'),
  ]),
  person('dmitri_volkov_1689', 'Dmitri Volkov', at('740 Signal Hill Road', 'Unit 2', 'Juneau, AK, 99801'), [
    card('1689723', 'mastercard', '4471'),
    paypal('1689206'),
  ]),
  person('ebba_nystrom_1934', 'Ebba Nystrom', at('9 Birch Landing', '', 'Bayfield, WI, 54814'), [
    gift('1934060', 310),
    card('1934818', 'visa', '3019'),
  ]),
  person('farid_aziz_2213', 'Farid Aziz', at('1021 Canal Street', 'Apt 14', 'New Orleans, LA, 70112'), [
    paypal('2213964'),
  ]),
  person('greta_holm_2378', 'Greta Holm', at('45 Lighthouse Road', '', 'Grand Marais, MN, 55604'), [
    card('2378515', 'mastercard', '7783'),
    gift('2378141', 75),
  ]),
  person('hector_salinas_2566', 'Hector Salinas', at('310 Bayfront Drive', '', 'Corpus Christi, TX, 78401'), [
    card('2566087', 'visa', '5526'),
  ]),
  person('isla_macrae_2790', 'Isla Macrae', at('27 Pier Street', 'Apt 1', 'Port Townsend, WA, 98368'), [
    paypal('2790432'),
    card('2790669', 'amex', '3005'),
  ]),
  person('jonas_eklund_2985', 'Jonas Eklund', at('164 Granite Street', '', 'Rockport, ME, 04856'), [
    card('2985371', 'visa', '0148'),
    gift('2985250', 5.4),
  ]),
  person('keiko_mori_3107', 'Keiko Mori', at('602 Plumeria Way', '', 'Hilo, HI, 96720'), [
    card('3107926', 'mastercard', '6630'),
  ]),
  person('luca_ferrante_3481', 'Luca Ferrante', at('19 Old Post Road', 'Apt 7', 'Mystic, CT, 06355'), [
    paypal('3481057'),
    gift('3481700', 33.33),
  ]),
  person('mirela_popescu_3654', 'Mirela Popescu', at('850 Chestnut Ridge', '', 'Ithaca, NY, 14850'), [
    card('3654812', 'visa', '1947'),
  ]),
  person('nils_abernathy_3826', 'Nils Abernathy', at('73 Ferry Landing', '', 'Anacortes, WA, 98221'), [
    card('3826144', 'mastercard', '8802'),
    paypal('3826539'),
  ]),
];
